/** Which interface and address the boot network would be served on. */
import { networkInterfaces } from "node:os";
import type { Check } from "./check.ts";

/** An IPv4 address of this host. */
export interface HostAddress {
  readonly interface: string;
  readonly address: string;
}

/** Interfaces that bridges, containers and virtual machines of this host hang on: seldom a rack's network. */
const INTERNAL = /^(lo|docker|br-|veth|virbr|cni|flannel|cali|tap|tun|wg)/;

/** Every IPv4 address that is not loopback. */
export function hostAddresses(): readonly HostAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? [])
      .filter(({ family, internal }) => family === "IPv4" && !internal)
      .map(({ address }) => ({ interface: name, address })),
  );
}

/** Holds the configured interface and address against what the host has. */
export function checkInterface(
  wanted: { readonly interface?: string | undefined; readonly address?: string | undefined },
  present: readonly HostAddress[],
): Check {
  const name = "boot network";
  const matching = present.filter(
    (each) =>
      (wanted.interface === undefined || each.interface === wanted.interface) &&
      (wanted.address === undefined || each.address === wanted.address),
  );
  const listed = present.map((each) => `${each.interface} ${each.address}`).join(", ") || "none";
  if (matching.length === 0) {
    const what = [wanted.interface, wanted.address].filter((part) => part !== undefined).join(" with ");
    const message =
      what === "" ? "this host has no IPv4 address" : `this host has no ${what}; it has ${listed}`;
    return {
      name,
      state: "fail",
      message,
      advice: "set network.interface and network.address, or bring the interface up",
    };
  }
  const likely = matching.filter((each) => !INTERNAL.test(each.interface));
  const [first] = likely.length > 0 ? likely : matching;
  const interfaces = new Set((likely.length > 0 ? likely : matching).map((each) => each.interface));
  if (interfaces.size > 1) {
    const message = `several interfaces would do: ${[...interfaces].join(", ")}`;
    return { name, state: "fail", message, advice: "name the one the machines are on: network.interface" };
  }
  return { name, state: "ok", message: `${first?.interface ?? ""} ${first?.address ?? ""}` };
}
