/** IPv4 networks in CIDR notation. */
import { formatIpv4, type Ipv4, parseIpv4, toIpv4 } from "./ipv4.ts";

/** A network: its lowest address and its prefix length. Always canonical (no host bits set). */
export interface Subnet {
  readonly network: Ipv4;
  readonly prefix: number;
}

/** An address together with the prefix of its network, as on an interface: `10.0.0.5/24`. */
export interface InterfaceAddress {
  readonly address: Ipv4;
  readonly subnet: Subnet;
}

/** Reads `10.0.0.0/24`. Undefined for anything else, host bits included: `10.0.0.5/24` is not a network. */
export function parseSubnet(text: string): Subnet | undefined {
  const parsed = parseInterfaceAddress(text);
  return parsed && parsed.address === parsed.subnet.network ? parsed.subnet : undefined;
}

/** Reads `10.0.0.5/24`; undefined for anything else. */
export function parseInterfaceAddress(text: string): InterfaceAddress | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d?)$/.exec(text);
  const address = parseIpv4(match?.[1] ?? "");
  const prefix = Number(match?.[2] ?? 99);
  if (address === undefined || prefix > 32) return undefined;
  return { address, subnet: { network: toIpv4(address & maskOf(prefix)), prefix } };
}

/** `10.0.0.0/24` */
export function formatSubnet(subnet: Subnet): string {
  return `${formatIpv4(subnet.network)}/${subnet.prefix}`;
}

/** The netmask of a prefix length: 24 is 255.255.255.0. */
export function maskOf(prefix: number): Ipv4 {
  return toIpv4(prefix === 0 ? 0 : -1 << (32 - prefix));
}

/** The highest address of the network, its directed broadcast address. */
export function broadcastOf(subnet: Subnet): Ipv4 {
  return toIpv4(subnet.network | ~maskOf(subnet.prefix));
}

/** Whether the address lies in the network. */
export function contains(subnet: Subnet, ip: Ipv4): boolean {
  return toIpv4(ip & maskOf(subnet.prefix)) === subnet.network;
}

/** Whether the two networks share any address. */
export function overlaps(a: Subnet, b: Subnet): boolean {
  return contains(a, b.network) || contains(b, a.network);
}
