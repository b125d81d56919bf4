/** Which options go where in a packet, and which stay out when the client takes only short ones. */
import { OPTION } from "./option-codes.ts";
import type { DhcpOptions } from "./options.ts";
import { FILE_LENGTH, OFFSET, SNAME_LENGTH } from "./packet.ts";

export interface PlacedOption {
  readonly code: number;
  readonly value: Uint8Array;
}

export interface OptionPlacement {
  readonly main: readonly PlacedOption[];
  /** Octets that `main` takes, without the END. */
  readonly mainLength: number;
  readonly file: readonly PlacedOption[];
  readonly sname: readonly PlacedOption[];
  readonly dropped: readonly number[];
}

/** Old clients look for these at the start, in this order. */
const FIRST: readonly number[] = [
  OPTION.messageType,
  OPTION.serverId,
  OPTION.leaseTime,
  OPTION.renewalTime,
  OPTION.rebindingTime,
  OPTION.subnetMask,
];
/**
 * EDK2 writes a NUL over the octet after option 67 in its copy, so nothing but the relay's option may follow it;
 * that one must be the last of all (RFC 3046 §2.1).
 */
const LAST: readonly number[] = [OPTION.bootFile, OPTION.relayAgent];
/** What a client can least do without, after {@link FIRST}. */
const NEEDED: readonly number[] = [
  ...FIRST,
  OPTION.clientId,
  OPTION.vendorClass,
  OPTION.clientMachineId,
  OPTION.vendorSpecific,
  OPTION.bootFile,
  OPTION.routers,
  OPTION.classlessRoutes,
  OPTION.ipxe,
  OPTION.nameServers,
  OPTION.serverName,
];
const NOTHING: readonly PlacedOption[] = [];
const NONE_DROPPED: readonly number[] = [];

/** Distributes options over the packet; `free` says which fixed fields carry nothing of their own. */
export function fitOptions(
  options: DhcpOptions,
  limits: { readonly maxLength: number; readonly overload: boolean },
  free: { readonly file: boolean; readonly sname: boolean },
): OptionPlacement {
  const ordered = inOrder(options);
  const mainLength = lengthOf(ordered);
  if (OFFSET.options + mainLength + 1 <= limits.maxLength) {
    return { main: ordered, mainLength, file: NOTHING, sname: NOTHING, dropped: NONE_DROPPED };
  }
  return squeeze(ordered, limits.maxLength, {
    file: limits.overload && free.file,
    sname: limits.overload && free.sname,
  });
}

function inOrder(options: DhcpOptions): PlacedOption[] {
  const ordered: PlacedOption[] = [];
  const add = (code: number): void => {
    const value = options.get(code);
    if (value) ordered.push({ code, value });
  };
  for (const code of FIRST) add(code);
  for (const [code, value] of options.entries()) {
    if (!FIRST.includes(code) && !LAST.includes(code) && code !== OPTION.overload) {
      ordered.push({ code, value });
    }
  }
  for (const code of LAST) add(code);
  return ordered;
}

function squeeze(
  ordered: readonly PlacedOption[],
  maxLength: number,
  usable: { readonly file: boolean; readonly sname: boolean },
): OptionPlacement {
  const relayAgent = ordered.filter((option) => option.code === OPTION.relayAgent);
  const overloadLength = usable.file || usable.sname ? 3 : 0;
  const main = area(maxLength - OFFSET.options - 1 - overloadLength - lengthOf(relayAgent));
  const file = area(usable.file ? FILE_LENGTH - 1 : 0);
  const sname = area(usable.sname ? SNAME_LENGTH - 1 : 0);
  const dropped: number[] = [];
  for (const option of byNeed(ordered)) {
    if (!main.take(option) && !file.take(option) && !sname.take(option)) dropped.push(option.code);
  }
  const overload = (file.options.length > 0 ? 1 : 0) | (sname.options.length > 0 ? 2 : 0);
  const kept = ordered.filter((option) => main.options.includes(option));
  const marker = overload === 0 ? [] : [{ code: OPTION.overload, value: Uint8Array.of(overload) }];
  const all = [...kept, ...marker, ...relayAgent];
  return { main: all, mainLength: lengthOf(all), file: file.options, sname: sname.options, dropped };
}

function byNeed(ordered: readonly PlacedOption[]): readonly PlacedOption[] {
  const rank = (option: PlacedOption): number => {
    const index = NEEDED.indexOf(option.code);
    return index < 0 ? NEEDED.length : index;
  };
  return ordered.filter((option) => option.code !== OPTION.relayAgent).toSorted((a, b) => rank(a) - rank(b));
}

function area(room: number): { options: PlacedOption[]; take: (option: PlacedOption) => boolean } {
  const options: PlacedOption[] = [];
  let left = room;
  const take = (option: PlacedOption): boolean => {
    const length = optionLength(option.value);
    if (length > left) return false;
    left -= length;
    options.push(option);
    return true;
  };
  return { options, take };
}

function lengthOf(options: readonly PlacedOption[]): number {
  let length = 0;
  for (const option of options) length += optionLength(option.value);
  return length;
}

/** Octets of a value on the wire, code and length octets included. */
function optionLength(value: Uint8Array): number {
  return value.length + 2 * Math.max(1, Math.ceil(value.length / 255));
}
