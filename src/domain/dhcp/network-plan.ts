/** The networks served, built once from the configuration and frozen: what the decision looks addresses up in. */
import { type Ipv4, ipv4ToBytes, parseIpv4, toIpv4 } from "../../net/ipv4.ts";
import { broadcastOf, contains, maskOf, parseSubnet, type Subnet } from "../../net/subnet.ts";
import { encodeClasslessRoutes } from "../../protocol/dhcp/classless-routes.ts";
import { OPTION } from "../../protocol/dhcp/option-codes.ts";
import { ipv4sBytes, textBytes, u16Bytes } from "../../protocol/dhcp/options.ts";
import { ConfigError, type Fault } from "../errors.ts";
import type { NetworkSettings, PoolClients, SubnetSettings } from "./network-config.ts";
import { type CheckOptions, networkFaults } from "./network-faults.ts";

/** A range for clients without a reservation. Its `id` is unique in the plan. */
export interface Pool {
  readonly id: number;
  readonly from: Ipv4;
  readonly to: Ipv4;
  readonly clients: PoolClients;
}

/** One served network. */
export interface ServedSubnet {
  readonly subnet: Subnet;
  readonly broadcast: Ipv4;
  /** Networks on the same wire have the same number. */
  readonly segment: number;
  readonly pools: readonly Pool[];
  readonly bootServer: Ipv4 | undefined;
  /** Options for its clients, encoded. */
  readonly options: ReadonlyMap<number, Uint8Array>;
}

export interface NetworkPlan {
  /** The appliance's own address, where the configuration names one. */
  readonly address: Ipv4 | undefined;
  readonly subnets: readonly ServedSubnet[];
  /** The network an address lies in. */
  subnetOf(address: Ipv4): ServedSubnet | undefined;
  /** The network a relay stands for: its giaddr lies in it, or is listed with it. */
  subnetOfRelay(giaddr: Ipv4): ServedSubnet | undefined;
  /** All networks on one wire, in the order of the configuration. */
  segment(id: number): readonly ServedSubnet[];
  /** Addresses that are never handed out although a pool covers them. */
  isExcluded(address: Ipv4): boolean;
  /** Whether an address is one by which clients know this appliance. */
  isOwn(address: Ipv4): boolean;
}

/**
 * Everything that makes a network configuration unusable: overlapping networks or pools, pools and routers outside
 * their network, addresses reserved twice or reserved although something else stands there, options that would break
 * the protocol.
 * @returns faults with paths below `network`, `dhcp` or `machines.<name>`; empty when all is well.
 */
export function checkNetwork(network: NetworkSettings, options: CheckOptions = {}): readonly Fault[] {
  return networkFaults(network, options);
}

/** Things that work but will surprise: networks too small for some firmware. */
export function networkWarnings(network: NetworkSettings): readonly Fault[] {
  return network.subnets.flatMap(({ cidr }, index) => {
    const subnet = parseSubnet(cidr);
    if (!subnet || subnet.prefix < 31) return [];
    const message = `UEFI firmware refuses leases in a /${subnet.prefix}; use a /30 or larger`;
    return [{ path: `network.subnets[${index}].cidr`, message }];
  });
}

/**
 * Builds the plan.
 * @throws ConfigError with the faults of {@link checkNetwork}.
 */
export function buildNetworkPlan(
  network: NetworkSettings,
  options: { readonly excludeNetworkEnds: boolean },
): NetworkPlan {
  const faults = checkNetwork(network);
  if (faults.length > 0) throw new ConfigError("the network configuration cannot be used", faults);
  const segments = segmentNumbers(network.subnets);
  let poolCount = 0;
  const subnets = network.subnets.map((settings, index): ServedSubnet => {
    const subnet = requireSubnet(settings.cidr);
    const pools = settings.pools.map((pool) => ({
      id: poolCount++,
      from: requireIpv4(pool.from),
      to: requireIpv4(pool.to),
      clients: pool.clients,
    }));
    return Object.freeze({
      subnet,
      broadcast: broadcastOf(subnet),
      segment: segments[index] ?? index,
      pools,
      bootServer: settings.bootServer === undefined ? undefined : requireIpv4(settings.bootServer),
      options: subnetOptions(settings, subnet),
    });
  });
  return frozenPlan(network, subnets, options);
}

function frozenPlan(
  network: NetworkSettings,
  subnets: readonly ServedSubnet[],
  options: { readonly excludeNetworkEnds: boolean },
): NetworkPlan {
  const address = network.address === undefined ? undefined : requireIpv4(network.address);
  const own = new Set<number>([address, ...subnets.map((subnet) => subnet.bootServer)].filter(isDefined));
  const taken = new Set<number>([...own, ...network.subnets.flatMap(infrastructureOf)]);
  const relays = new Map<number, ServedSubnet>();
  network.subnets.forEach((settings, index) => {
    const subnet = subnets[index];
    if (subnet) for (const relay of settings.relays) relays.set(requireIpv4(relay), subnet);
  });
  const lookup = subnetLookup(subnets);
  const bySegment = Map.groupBy(subnets, (subnet) => subnet.segment);
  return Object.freeze({
    address,
    subnets,
    subnetOf: lookup,
    subnetOfRelay: (giaddr: Ipv4) => relays.get(giaddr) ?? lookup(giaddr),
    segment: (id: number) => bySegment.get(id) ?? [],
    isExcluded: (ip: Ipv4) => taken.has(ip) || isNetworkEnd(lookup(ip), ip, options.excludeNetworkEnds),
    isOwn: (ip: Ipv4) => own.has(ip),
  });
}

/** Old Windows refuses .0 and .255 even where the network is larger than a /24. */
function isNetworkEnd(served: ServedSubnet | undefined, ip: Ipv4, everyOctetEnd: boolean): boolean {
  if (!served) return true;
  const { network, prefix } = served.subnet;
  if (prefix >= 31) return false;
  if (ip === network || ip === served.broadcast) return true;
  return everyOctetEnd && prefix < 24 && ((ip & 255) === 0 || (ip & 255) === 255);
}

/** One map per prefix length in use: a lookup costs as many steps as there are different lengths. */
function subnetLookup(subnets: readonly ServedSubnet[]): (ip: Ipv4) => ServedSubnet | undefined {
  const lengths = [...Map.groupBy(subnets, (served) => served.subnet.prefix)].map(([prefix, served]) => ({
    mask: maskOf(prefix),
    networks: new Map<number, ServedSubnet>(served.map((entry) => [entry.subnet.network, entry])),
  }));
  return (ip) => {
    for (const { mask, networks } of lengths) {
      const found = networks.get(toIpv4(ip & mask));
      if (found) return found;
    }
    return undefined;
  };
}

/** Networks joined by `sharedWith`, directly or through a third, get one number. */
function segmentNumbers(subnets: readonly SubnetSettings[]): readonly number[] {
  const numbers = subnets.map((_, index) => index);
  subnets.forEach((settings, index) => {
    const other = subnets.findIndex((candidate) => candidate.cidr === settings.sharedWith);
    if (other < 0) return;
    const [from, to] = [numbers[index], numbers[other]];
    numbers.forEach((number, position) => {
      if (number === from && to !== undefined) numbers[position] = to;
    });
  });
  return numbers;
}

function infrastructureOf(settings: SubnetSettings): readonly Ipv4[] {
  const inside = requireSubnet(settings.cidr);
  const hops = settings.routes.map((route) => route.via);
  const listed = [settings.router, ...settings.dns, ...settings.ntp, ...settings.relays, ...hops];
  return listed
    .filter(isDefined)
    .map(requireIpv4)
    .filter((ip) => contains(inside, ip));
}

function subnetOptions(settings: SubnetSettings, subnet: Subnet): ReadonlyMap<number, Uint8Array> {
  const options = new Map<number, Uint8Array>([
    [OPTION.subnetMask, ipv4ToBytes(maskOf(subnet.prefix))],
    [OPTION.broadcastAddress, ipv4ToBytes(broadcastOf(subnet))],
  ]);
  const addresses = (texts: readonly string[]): Uint8Array => ipv4sBytes(texts.map(requireIpv4));
  if (settings.router !== undefined) options.set(OPTION.routers, addresses([settings.router]));
  if (settings.dns.length > 0) options.set(OPTION.nameServers, addresses(settings.dns));
  if (settings.ntp.length > 0) options.set(OPTION.timeServers, addresses(settings.ntp));
  if (settings.domain !== undefined) options.set(OPTION.domainName, textBytes(settings.domain));
  if (settings.mtu !== undefined) options.set(OPTION.interfaceMtu, u16Bytes(settings.mtu));
  if (settings.routes.length > 0) options.set(OPTION.classlessRoutes, routesOf(settings));
  return options;
}

/** A client that gets option 121 ignores option 3, so the default route is repeated there (RFC 3442). */
function routesOf(settings: SubnetSettings): Uint8Array {
  const routes = settings.routes.map(({ to, via }) => ({ to: requireSubnet(to), via: requireIpv4(via) }));
  const gateway = settings.router === undefined ? undefined : requireIpv4(settings.router);
  const everywhere = { network: toIpv4(0), prefix: 0 };
  return encodeClasslessRoutes(
    gateway === undefined ? routes : [...routes, { to: everywhere, via: gateway }],
  );
}

function requireIpv4(text: string): Ipv4 {
  const ip = parseIpv4(text);
  if (ip === undefined) throw new ConfigError(`"${text}" is not an IPv4 address`);
  return ip;
}

function requireSubnet(text: string): Subnet {
  const subnet = parseSubnet(text);
  if (!subnet) throw new ConfigError(`"${text}" is not a network`);
  return subnet;
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}
