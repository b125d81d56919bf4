/** The rules between networks, pools and reservations that make a configuration unusable. */
import { type Ipv4, parseIpv4 } from "../../net/ipv4.ts";
import { broadcastOf, contains, overlaps, parseSubnet, type Subnet } from "../../net/subnet.ts";
import { OPTION } from "../../protocol/dhcp/option-codes.ts";
import type { Fault } from "../errors.ts";
import type { ExtraOption, NetworkSettings, ReservationSettings, SubnetSettings } from "./network-config.ts";

interface Placed {
  readonly path: string;
  readonly settings: SubnetSettings;
  readonly subnet: Subnet;
}

interface PlacedPool {
  readonly path: string;
  readonly from: Ipv4;
  readonly to: Ipv4;
}

/** An address that somebody wants for one client. */
interface Claim {
  readonly path: string;
  readonly address: string;
}

/** What is checked together with the networks. */
export interface CheckOptions {
  readonly machines?: readonly {
    readonly name: string;
    readonly spec: { readonly address?: string | undefined };
  }[];
  readonly reservations?: readonly ReservationSettings[];
  /** `dhcp.options` */
  readonly options?: readonly ExtraOption[];
}

/** Options whose values the protocol decides, or that have a setting of their own. */
const OWN_OPTIONS: readonly number[] = [
  OPTION.subnetMask,
  OPTION.bootFileSize,
  OPTION.requestedAddress,
  OPTION.leaseTime,
  OPTION.overload,
  OPTION.messageType,
  OPTION.serverId,
  OPTION.renewalTime,
  OPTION.rebindingTime,
  OPTION.clientId,
  OPTION.relayAgent,
];

/** All faults; entries that are no addresses at all are the schema's business and passed over here. */
export function networkFaults(network: NetworkSettings, options: CheckOptions): readonly Fault[] {
  const placed = network.subnets.flatMap((settings, index): readonly Placed[] => {
    const subnet = parseSubnet(settings.cidr);
    return subnet ? [{ path: `network.subnets[${index}]`, settings, subnet }] : [];
  });
  return [
    ...placed.flatMap((entry, index) => overlapFaults(entry, placed.slice(0, index))),
    ...placed.flatMap((entry) => memberFaults(entry)),
    ...placed.flatMap((entry) => poolFaults(entry)),
    ...placed.flatMap((entry) => sharingFaults(entry, placed)),
    ...relayFaults(placed),
    ...claimFaults(claimsOf(options), network, placed),
    ...identityFaults(options.reservations ?? []),
    ...optionFaults(options.options ?? []),
  ];
}

function overlapFaults(entry: Placed, earlier: readonly Placed[]): readonly Fault[] {
  return earlier
    .filter((other) => overlaps(other.subnet, entry.subnet))
    .map((other) => ({
      path: `${entry.path}.cidr`,
      message: `${entry.settings.cidr} overlaps ${other.settings.cidr}; addresses there would be given out twice`,
    }));
}

function memberFaults({ path, settings, subnet }: Placed): readonly Fault[] {
  const members = [
    { key: "router", text: settings.router },
    ...settings.routes.map((route, index) => ({ key: `routes[${index}].via`, text: route.via })),
  ];
  return members.flatMap(({ key, text }) => {
    const ip = parseIpv4(text ?? "");
    if (ip === undefined || contains(subnet, ip)) return [];
    return [{ path: `${path}.${key}`, message: `${text ?? ""} is not in ${settings.cidr}` }];
  });
}

function poolFaults({ path, settings, subnet }: Placed): readonly Fault[] {
  const faults: Fault[] = [];
  const pools: PlacedPool[] = [];
  settings.pools.forEach((pool, index) => {
    const poolPath = `${path}.pools[${index}]`;
    const [from, to] = [parseIpv4(pool.from), parseIpv4(pool.to)];
    if (from === undefined || to === undefined) return;
    if (!contains(subnet, from) || !contains(subnet, to)) {
      faults.push({ path: poolPath, message: `${pool.from} to ${pool.to} is not within ${settings.cidr}` });
    } else if (from > to) {
      faults.push({ path: poolPath, message: `${pool.from} comes after ${pool.to}; swap from and to` });
    }
    const other = pools.find((earlier) => earlier.from <= to && from <= earlier.to);
    if (other) faults.push({ path: poolPath, message: `overlaps ${other.path}` });
    pools.push({ path: poolPath, from, to });
  });
  return faults;
}

function sharingFaults({ path, settings }: Placed, placed: readonly Placed[]): readonly Fault[] {
  const { sharedWith } = settings;
  if (sharedWith === undefined) return [];
  const known = placed.some((other) => other.settings.cidr === sharedWith && other.settings !== settings);
  if (known) return [];
  return [{ path: `${path}.sharedWith`, message: `${sharedWith} is not another configured network` }];
}

function relayFaults(placed: readonly Placed[]): readonly Fault[] {
  const owners = new Map<string, Placed>();
  return placed.flatMap((entry) =>
    entry.settings.relays.flatMap((relay, index) => {
      const ip = parseIpv4(relay);
      const lyingIn = placed.find((other) => ip !== undefined && contains(other.subnet, ip));
      const owner = owners.get(relay) ?? (lyingIn === entry ? undefined : lyingIn);
      owners.set(relay, entry);
      if (!owner) return [];
      const message = `the relay ${relay} already stands for ${owner.settings.cidr}`;
      return [{ path: `${entry.path}.relays[${index}]`, message }];
    }),
  );
}

function claimsOf(options: CheckOptions): readonly Claim[] {
  const reserved = (options.reservations ?? []).map(({ address }, index) => ({
    path: `dhcp.reservations[${index}].address`,
    address,
  }));
  const machines = (options.machines ?? []).flatMap(({ name, spec }) =>
    spec.address === undefined ? [] : [{ path: `machines.${name}.address`, address: spec.address }],
  );
  return [...reserved, ...machines];
}

function claimFaults(
  claims: readonly Claim[],
  network: NetworkSettings,
  placed: readonly Placed[],
): readonly Fault[] {
  const owners = new Map<string, Claim>();
  return claims.flatMap((claim) => {
    const ip = parseIpv4(claim.address);
    if (ip === undefined) return [];
    const earlier = owners.get(claim.address);
    if (earlier)
      return [{ path: claim.path, message: `${claim.address} is already reserved by ${earlier.path}` }];
    owners.set(claim.address, claim);
    const occupant = occupantOf(claim.address, ip, network, placed);
    return occupant === undefined ? [] : [{ path: claim.path, message: `${claim.address} is ${occupant}` }];
  });
}

function occupantOf(
  text: string,
  ip: Ipv4,
  network: NetworkSettings,
  placed: readonly Placed[],
): string | undefined {
  if (text === network.address) return "the appliance's own address";
  const home = placed.find((entry) => contains(entry.subnet, ip));
  if (!home) return undefined;
  if (text === home.settings.router) return `the router of ${home.settings.cidr}`;
  if (home.subnet.prefix >= 31) return undefined;
  if (ip === home.subnet.network) return `the network address of ${home.settings.cidr}`;
  if (ip === broadcastOf(home.subnet)) return `the broadcast address of ${home.settings.cidr}`;
  return undefined;
}

/** A reservation names one identity, and no two name the same. */
function identityFaults(reservations: readonly ReservationSettings[]): readonly Fault[] {
  const kinds = ["mac", "clientId", "uuid", "circuitId"] as const;
  return reservations.flatMap((reservation, index): readonly Fault[] => {
    const path = `dhcp.reservations[${index}]`;
    const given = kinds.filter((kind) => reservation[kind] !== undefined);
    if (given.length !== 1) {
      return [{ path, message: "name exactly one of mac, clientId, uuid and circuitId" }];
    }
    return given.flatMap((kind) => {
      const earlier = reservations.slice(0, index).findIndex((other) => other[kind] === reservation[kind]);
      if (earlier < 0) return [];
      return [{ path: `${path}.${kind}`, message: `is already used by dhcp.reservations[${earlier}]` }];
    });
  });
}

function optionFaults(options: readonly ExtraOption[]): readonly Fault[] {
  return options.flatMap(({ code, text, hex, addresses }, index): readonly Fault[] => {
    const path = `dhcp.options[${index}]`;
    if (OWN_OPTIONS.includes(code)) {
      return [{ path: `${path}.code`, message: `option ${code} cannot be set here` }];
    }
    const values = [text, hex, addresses].filter((value) => value !== undefined);
    if (values.length === 1 && values[0]?.length !== 0) return [];
    return [{ path, message: "give exactly one of text, hex and addresses" }];
  });
}
