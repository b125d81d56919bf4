/** The interfaces of this host, and which of them leads to the machines. */
import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { ConfigError } from "../../domain/errors.ts";
import { parseIpv4 } from "../../net/ipv4.ts";
import {
  contains,
  type InterfaceAddress,
  overlaps,
  parseInterfaceAddress,
  parseSubnet,
} from "../../net/subnet.ts";

/** An IPv4 address on an interface. Loopback is never among them. */
export interface AttachedNetwork {
  readonly interface: string;
  readonly mac: string;
  readonly address: string;
  readonly network: InterfaceAddress;
  /** The default route leaves by this interface. */
  readonly defaultRoute: boolean;
}

/** Interfaces that containers and virtual machines of this host hang on: no rack is behind them. */
const INTERNAL = /^(docker|br-|veth|virbr|cni|flannel|cali|tap|tun|wg)/;

/** Every IPv4 network this host is attached to. */
export async function attachedNetworks(): Promise<readonly AttachedNetwork[]> {
  const withDefaultRoute = defaultRouteInterface(await readFile("/proc/net/route", "utf8").catch(() => ""));
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.flatMap(({ family, internal, address, cidr, mac }) => {
      const network = parseInterfaceAddress(cidr ?? "");
      if (family !== "IPv4" || internal || !network) return [];
      return [{ interface: name, mac, address, network, defaultRoute: name === withDefaultRoute }];
    }),
  );
}

/** The interface of the first default route in the text of `/proc/net/route`. */
export function defaultRouteInterface(table: string): string | undefined {
  const rows = table
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"));
  return rows.find(
    ([, destination, , , , , , mask]) => destination === "00000000" && mask === "00000000",
  )?.[0];
}

/** What the configuration says about the boot network. */
export interface WantedNetwork {
  readonly mode: "off" | "proxy" | "server";
  readonly interface?: string | undefined;
  readonly address?: string | undefined;
}

/**
 * The network that is served. Left to itself a server is only started where one interface is suitable; beside another DHCP server, or
 * without DHCP, the interface of the default route is taken.
 * @throws ConfigError naming the interfaces there are
 */
export function servedNetwork(wanted: WantedNetwork, attached: readonly AttachedNetwork[]): AttachedNetwork {
  const named = attached.filter(
    (network) =>
      (wanted.interface === undefined || network.interface === wanted.interface) &&
      (wanted.address === undefined || network.address === wanted.address),
  );
  const isNamed = wanted.interface !== undefined || wanted.address !== undefined;
  const candidates = isNamed ? named : preferExternal(named);
  const [first] = candidates;
  if (!first) throw new ConfigError(`no such network: ${describe(wanted)}; this host has ${list(attached)}`);
  const interfaces = new Set(candidates.map((network) => network.interface));
  if (interfaces.size === 1) return first;
  const routed = candidates.find((network) => network.defaultRoute);
  if (wanted.mode !== "server" && routed) return routed;
  throw new ConfigError(
    `several interfaces could lead to the machines (${list(candidates)}): name one as network.interface`,
  );
}

/**
 * Refuses two directly attached networks: a broadcast does not say which of them it came from, and an answer from the wrong pool
 * is worse than none. A network reached through a relay is named by its giaddr and needs no interface.
 * @throws ConfigError naming the two networks and the ways out
 */
export function refuseAmbiguousNetworks(options: {
  readonly subnets: readonly { readonly cidr: string; readonly relays: readonly string[] }[];
  readonly served: AttachedNetwork;
  readonly attached: readonly AttachedNetwork[];
  /** Interfaces that have a socket of their own. */
  readonly withOwnSocket: readonly string[];
}): void {
  const { subnets, served, attached, withOwnSocket } = options;
  for (const { cidr, relays } of subnets) {
    const subnet = parseSubnet(cidr);
    if (!subnet || relays.length > 0 || overlaps(subnet, served.network.subnet)) continue;
    const other = attached.find(({ address }) => {
      const parsed = parseIpv4(address);
      return parsed !== undefined && contains(subnet, parsed);
    });
    if (!other || other.interface === served.interface || withOwnSocket.includes(other.interface)) continue;
    throw new ConfigError(
      `${cidr} is attached to ${other.interface}, but only ${served.interface} is served directly: ` +
        "put a relay in front of it, or let systemd open a socket for each interface (BindToDevice)",
    );
  }
}

function preferExternal(networks: readonly AttachedNetwork[]): readonly AttachedNetwork[] {
  const external = networks.filter((network) => !INTERNAL.test(network.interface));
  return external.length > 0 ? external : networks;
}

function describe(wanted: WantedNetwork): string {
  const parts = [wanted.interface, wanted.address].filter((part) => part !== undefined);
  return parts.length > 0 ? parts.join(" with ") : "an interface with an IPv4 address";
}

function list(networks: readonly AttachedNetwork[]): string {
  return networks.map((each) => `${each.interface} ${each.address}`).join(", ") || "none";
}
