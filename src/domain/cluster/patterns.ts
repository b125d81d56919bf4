/** Machines written as a group: ordinals into names, and addresses counted from the first. */
import { formatIpv4, parseIpv4, toIpv4 } from "../../net/ipv4.ts";
import { nameSchema } from "../machine-spec.ts";
import type { MachineGroup } from "./cluster-spec.ts";

export interface GroupMachine {
  readonly name: string;
  readonly mac: string;
  readonly address: string | undefined;
}

/** The machines of a group, or what is wrong with it and at which of its keys. */
export type ExpandedGroup =
  | { readonly ok: true; readonly machines: readonly GroupMachine[] }
  | { readonly ok: false; readonly key: "names" | "addresses"; readonly reason: string };

const MAX_RANGE = 65_536;

/** Names and addresses of a group's machines, one for each MAC in its order. */
export function expandGroup(
  group: Pick<MachineGroup, "names" | "first" | "macs" | "addresses">,
): ExpandedGroup {
  const count = group.macs.length;
  const names = expandNames(group.names, { first: group.first, count });
  if (typeof names === "string") return { ok: false, key: "names", reason: names };
  const wrong = names.map((name) => nameSchema.safeParse(name)).find(({ success }) => !success);
  if (wrong?.error) return { ok: false, key: "names", reason: wrong.error.issues[0]?.message ?? "" };
  const addresses = expandAddresses(group.addresses, count);
  if (typeof addresses === "string") return { ok: false, key: "addresses", reason: addresses };
  const machines = group.macs.map((mac, index) => ({
    name: names[index] ?? "",
    mac,
    address: addresses[index],
  }));
  return { ok: true, machines };
}

/** Whether a name fits a pattern in which `*` stands for any letters and `#` for one digit. */
export function matchesPattern(name: string, pattern: string): boolean {
  const expression = pattern
    .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("#", "\\d");
  return new RegExp(`^${expression}$`).test(name);
}

function expandNames(
  pattern: string,
  { first, count }: { readonly first: number; readonly count: number },
): readonly string[] | string {
  const runs = pattern.match(/#+/g) ?? [];
  const [run] = runs;
  if (runs.length > 1) return `"${pattern}" has more than one place for the ordinal; write one run of #`;
  if (run === undefined) {
    return count === 1 ? [pattern] : `"${pattern}" needs a # where the ordinal goes, for ${count} machines`;
  }
  const last = first + count - 1;
  if (String(last).length > run.length) {
    return `"${pattern}" has no room for ${last}; write ${"#".repeat(String(last).length)}`;
  }
  return Array.from({ length: count }, (_, index) =>
    pattern.replace(run, String(first + index).padStart(run.length, "0")),
  );
}

function expandAddresses(
  addresses: MachineGroup["addresses"],
  count: number,
): readonly (string | undefined)[] | string {
  if (addresses === undefined) return [];
  const listed = typeof addresses === "string" ? addressesFrom(addresses, count) : addresses;
  if (typeof listed === "string") return listed;
  const wrong = listed.find((text) => parseIpv4(text) === undefined);
  if (wrong !== undefined) return `"${wrong}" is not an IPv4 address`;
  return listed.length < count ? `${listed.length} addresses for ${count} machines` : listed;
}

function addressesFrom(text: string, count: number): readonly string[] | string {
  const [fromText = "", toText] = text.split("-").map((part) => part.trim());
  const from = parseIpv4(fromText);
  const to = toText === undefined ? undefined : parseIpv4(toText);
  if (from === undefined || (toText !== undefined && to === undefined)) {
    return `expected the first address, or a range like 10.0.0.10-10.0.0.12, found "${text}"`;
  }
  const length = to === undefined ? count : to - from + 1;
  if (length < 1) return `${fromText} comes after ${toText ?? ""}; swap them`;
  if (length < count) return `${text} holds ${length} addresses for ${count} machines`;
  return Array.from({ length: Math.min(count, MAX_RANGE) }, (_, index) => formatIpv4(toIpv4(from + index)));
}
