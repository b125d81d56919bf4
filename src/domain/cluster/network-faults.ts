/** Rules between a cluster's networks: nodes, pods and services must be three different places. */
import { parseIpv4 } from "../../net/ipv4.ts";
import {
  broadcastOf,
  contains,
  formatSubnet,
  overlaps,
  parseInterfaceAddress,
  parseSubnet,
  type Subnet,
} from "../../net/subnet.ts";
import { type CheckedCluster, type Finding, type RackFacts, refuse, warn } from "./finding.ts";
import { isNode } from "./members.ts";

/** A network, what it is for, and the key that names it; networks of muster.yaml have none. */
interface Named {
  readonly subnet: Subnet;
  readonly what: string;
  readonly key?: readonly PropertyKey[];
}

/** The largest service range an API server takes, and the smallest that holds the tenth address, where DNS answers. */
const SERVICE_PREFIX = { min: 12, max: 28 };
/** The controller manager keeps a bit for every part of the pod network: at most 2^16. */
const MAX_POD_PARTS_BITS = 16;

/** Everything wrong with the networks of one cluster. */
export function clusterNetworkFindings(cluster: CheckedCluster, facts: RackFacts): readonly Finding[] {
  return [
    ...canonicalFindings(cluster),
    ...overlapFindings(cluster, facts),
    ...sizeFindings(cluster),
    ...nodePortFindings(cluster),
  ];
}

const KEYS = [
  { key: ["network", "podCIDR"], what: "the pod network", of: ({ network }: Spec) => network.podCIDR },
  {
    key: ["network", "serviceCIDR"],
    what: "the service network",
    of: ({ network }: Spec) => network.serviceCIDR,
  },
  {
    key: ["network", "nodes", "cidr"],
    what: "the network of the machines",
    of: ({ network }: Spec) => network.nodes?.cidr,
  },
] as const;

type Spec = CheckedCluster["view"]["spec"];

function canonicalFindings({ view, at }: CheckedCluster): readonly Finding[] {
  return KEYS.flatMap(({ key, of }) => {
    const text = of(view.spec);
    if (text === undefined || parseSubnet(text)) return [];
    const parsed = parseInterfaceAddress(text);
    const network = parsed ? formatSubnet(parsed.subnet) : "";
    return [
      refuse(at(key, `${text} is an address within its network; write the network itself: ${network}`)),
    ];
  });
}

function overlapFindings(cluster: CheckedCluster, facts: RackFacts): readonly Finding[] {
  const networks = networksOf(cluster, facts);
  return networks.flatMap((network, index) => {
    const { key } = network;
    if (!key) return [];
    // Each pair once: told at the pod or service network, which is the one to move.
    const other = networks.find(
      (each, position) => (position < index || !each.key) && overlaps(each.subnet, network.subnet),
    );
    if (!other || (other.key === undefined && network.key === KEYS[2].key)) return [];
    const [mine, theirs] = [formatSubnet(network.subnet), formatSubnet(other.subnet)];
    return [
      refuse(
        cluster.at(
          key,
          `${network.what} ${mine} overlaps ${other.what} ${theirs}; addresses in both would never be reached`,
        ),
      ),
    ];
  });
}

/** The machines' networks first, so that a clash with them is told at the pod or service network. */
function networksOf({ view, machines }: CheckedCluster, facts: RackFacts): readonly Named[] {
  const declared = KEYS.flatMap(({ key, what, of }): Named[] => {
    const subnet = parseSubnet(of(view.spec) ?? "");
    return subnet ? [{ subnet, what, key }] : [];
  });
  const nodes = declared.filter(({ key }) => key === KEYS[2].key);
  const others = declared.filter(({ key }) => key !== KEYS[2].key);
  const known = facts.subnets.flatMap(({ cidr }): Named[] => {
    const subnet = parseSubnet(cidr);
    return subnet ? [{ subnet, what: "the appliance's network" }] : [];
  });
  const nics = machines.flatMap(({ name, spec }) =>
    spec.interfaces.flatMap((nic): Named[] => {
      const parsed = parseInterfaceAddress(nic.address ?? "");
      return parsed ? [{ subnet: parsed.subnet, what: `the network of ${name}` }] : [];
    }),
  );
  const addresses = view.members.flatMap(({ name, address }): Named[] => {
    const network = parseIpv4(address);
    return network === undefined ? [] : [{ subnet: { network, prefix: 32 }, what: `the address of ${name}` }];
  });
  return [...nodes, ...known, ...nics, ...addresses, ...others];
}

function sizeFindings({ view, at }: CheckedCluster): readonly Finding[] {
  const { podCIDR, serviceCIDR, nodePrefix, cni } = view.spec.network;
  const findings: Finding[] = [];
  const service = parseSubnet(serviceCIDR);
  if (service && (service.prefix < SERVICE_PREFIX.min || service.prefix > SERVICE_PREFIX.max)) {
    const message = `${serviceCIDR} has the wrong size; a service network is a /${SERVICE_PREFIX.min} to a /${SERVICE_PREFIX.max}`;
    findings.push(refuse(at(["network", "serviceCIDR"], message)));
  }
  const pods = parseSubnet(podCIDR);
  if (!pods || cni === "none") return findings;
  const bits = nodePrefix - pods.prefix;
  const nodes = view.members.filter(isNode).length;
  if (bits < 0 || 2 ** bits < nodes) {
    const room = bits < 0 ? "no node" : `${2 ** bits} nodes`;
    const message = `${podCIDR} cut into a /${nodePrefix} for each node has room for ${room}, and there are ${nodes}`;
    findings.push(refuse(at(["network", "podCIDR"], message)));
  }
  if (bits > MAX_POD_PARTS_BITS) {
    const message = `${podCIDR} cut into /${nodePrefix} gives more parts than Kubernetes can count; use nodePrefix ${pods.prefix + MAX_POD_PARTS_BITS} or a smaller podCIDR`;
    findings.push(refuse(at(["network", "nodePrefix"], message)));
  }
  return findings;
}

function nodePortFindings({ view, at }: CheckedCluster): readonly Finding[] {
  const { network, apiPort, endpoint } = view.spec;
  if (network.nodePortRange === undefined) return [];
  const [from = 0, to = 0] = network.nodePortRange.split("-").map(Number);
  const key = ["network", "nodePortRange"];
  if (from < 1 || to > 65_535 || from > to) {
    return [refuse(at(key, `${network.nodePortRange} is not a range of ports, the lower first`))];
  }
  const own = [22, apiPort, endpoint?.port, 10_250].filter(
    (port) => port !== undefined && port >= from && port <= to,
  );
  if (own.length === 0) return [];
  const message = `the range covers ${own.join(", ")}, which the nodes use themselves; a service that is given one of them cuts it off`;
  return [warn(at(key, message))];
}

/** What an address is that no machine of the cluster can have: an end of its network, or the gateway. */
export function takenByNetwork(
  address: string,
  { cluster, facts }: { readonly cluster: CheckedCluster; readonly facts: RackFacts },
): string | undefined {
  const { nodes } = cluster.view.spec.network;
  if (nodes?.gateway === address) return "the gateway of the machines";
  const subnet = homeNetworkOf(address, { cluster, facts });
  const ip = parseIpv4(address);
  // A network of two addresses has no ends to spare (RFC 3021).
  if (!subnet || ip === undefined || subnet.prefix > 30) return undefined;
  if (ip === subnet.network) return `the network ${formatSubnet(subnet)} itself`;
  return ip === broadcastOf(subnet) ? `the broadcast address of ${formatSubnet(subnet)}` : undefined;
}

/** The network in which a member's address lies, as far as the cluster, the machine or the appliance know it. */
export function homeNetworkOf(
  address: string,
  { cluster, facts }: { readonly cluster: CheckedCluster; readonly facts: RackFacts },
): Subnet | undefined {
  const ip = parseIpv4(address);
  if (ip === undefined) return undefined;
  const candidates = [
    parseSubnet(cluster.view.spec.network.nodes?.cidr ?? ""),
    ...cluster.machines.flatMap(({ spec }) =>
      spec.interfaces.map((nic) => parseInterfaceAddress(nic.address ?? "")?.subnet),
    ),
    ...facts.subnets.map(({ cidr }) => parseSubnet(cidr)),
  ];
  return candidates.find((subnet) => subnet !== undefined && contains(subnet, ip));
}
