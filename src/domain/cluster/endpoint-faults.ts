/** Rules of the endpoint: an address of its own, in the right network, on ports that are free, held by somebody. */
import { parseIpv4 } from "../../net/ipv4.ts";
import { contains, formatSubnet } from "../../net/subnet.ts";
import { closest } from "../suggest.ts";
import { type EndpointSpec, routerIdOf } from "./endpoint-spec.ts";
import {
  type CheckedCluster,
  type CheckedMachine,
  counted,
  type Finding,
  type RackFacts,
  refuse,
  warn,
} from "./finding.ts";
import { type ClusterMember, membersWith } from "./members.ts";
import { homeNetworkOf, takenByNetwork } from "./network-faults.ts";

interface Subject extends CheckedCluster {
  readonly endpoint: EndpointSpec;
  /** The members that hold the address in turn. */
  readonly holders: readonly ClusterMember[];
}

interface Surroundings {
  readonly facts: RackFacts;
  readonly clusters: readonly CheckedCluster[];
  /** Every machine there is, members or not. */
  readonly machines: readonly CheckedMachine[];
}

/** Ports of the programs that run on a control plane besides the API server. */
const CONTROL_PLANE_PORTS: readonly number[] = [22, 2379, 2380, 10_250, 10_256, 10_257, 10_259];

/** Everything wrong with a cluster's endpoint, or with its having none. */
export function endpointFindings(cluster: CheckedCluster, around: Surroundings): readonly Finding[] {
  const { endpoint } = cluster.view.spec;
  if (!endpoint) return missingEndpoint(cluster);
  const balancers = membersWith(cluster.view, "load-balancer");
  const controlPlanes = membersWith(cluster.view, "control-plane");
  const holders = endpoint.provider === "dedicated-haproxy" ? balancers : controlPlanes;
  const subject: Subject = { ...cluster, endpoint, holders };
  return [
    ...addressFindings(subject, around),
    ...networkFindings(subject, around.facts),
    ...portFindings(subject),
    ...providerFindings(subject),
    ...routerIdFindings(subject, around),
  ];
}

function missingEndpoint({ view, at }: CheckedCluster): readonly Finding[] {
  const count = membersWith(view, "control-plane").length;
  if (count < 2) return [];
  const message = `is required with ${counted(count, "control plane")}: an address of its own that stays when one of them is gone`;
  return [refuse(at(["endpoint"], message))];
}

function addressFindings(subject: Subject, { facts, clusters, machines }: Surroundings): readonly Finding[] {
  const { endpoint, at, holders, view } = subject;
  const key = ["endpoint", "address"];
  const wrong = (message: string) => [refuse(at(key, `${endpoint.address} ${message}`))];
  if (endpoint.address === facts.address) return wrong("is the appliance's own address");
  const other = clusters.find(
    (each) => each.view.name !== view.name && each.view.spec.endpoint?.address === endpoint.address,
  );
  if (other) return wrong(`is already the endpoint of cluster ${other.view.name}`);
  const owner = machines.find(({ spec }) => addressesOf(spec).includes(endpoint.address));
  // One balancer without a second needs no address besides its own; what balances outside may be anywhere.
  const lonely = endpoint.provider === "dedicated-haproxy" && holders.length === 1;
  if (owner && !(lonely && holders[0]?.name === owner.name) && endpoint.provider !== "external") {
    return wrong(`is the address of machine ${owner.name}; the endpoint needs one that no machine has`);
  }
  const subnet = facts.subnets.find((each) => each.router === endpoint.address);
  if (subnet) return wrong(`is the router of ${subnet.cidr}`);
  const pool = poolAround(endpoint.address, facts);
  return pool === undefined
    ? []
    : wrong(`lies in the pool ${pool}, from which DHCP gives addresses to others`);
}

/** Every address a spec names, without its prefix. */
export function addressesOf(spec: CheckedMachine["spec"]): readonly string[] {
  const nics = spec.interfaces.flatMap((nic) => nic.address?.split("/")[0] ?? []);
  return [...new Set([...(spec.address === undefined ? [] : [spec.address]), ...nics])];
}

/** The DHCP pool that covers an address, as `from to to`. */
function poolAround(address: string, { subnets }: RackFacts): string | undefined {
  const ip = parseIpv4(address);
  if (ip === undefined) return undefined;
  const pool = subnets
    .flatMap(({ pools }) => pools)
    .find(({ from, to }) => {
      const [first, last] = [parseIpv4(from), parseIpv4(to)];
      return first !== undefined && last !== undefined && first <= ip && ip <= last;
    });
  return pool && `${pool.from} to ${pool.to}`;
}

function networkFindings({ endpoint, holders, ...cluster }: Subject, facts: RackFacts): readonly Finding[] {
  const ip = parseIpv4(endpoint.address);
  if (endpoint.provider === "external" || ip === undefined) return [];
  const outside = holders.flatMap((holder) => {
    const subnet = homeNetworkOf(holder.address, { cluster, facts });
    return subnet && !contains(subnet, ip) ? [{ holder, subnet }] : [];
  });
  const [first] = outside;
  if (!first) {
    const what = takenByNetwork(endpoint.address, { cluster, facts });
    if (what === undefined) return [];
    return [refuse(cluster.at(["endpoint", "address"], `${endpoint.address} is ${what}`))];
  }
  const message = `${endpoint.address} lies outside ${formatSubnet(first.subnet)}, the network of ${first.holder.name}, which must be able to hold it`;
  return [refuse(cluster.at(["endpoint", "address"], message))];
}

function portFindings({ endpoint, holders, view, at }: Subject): readonly Finding[] {
  const { apiPort } = view.spec;
  const key = ["endpoint", "port"];
  if (endpoint.provider === "kube-vip") {
    if (endpoint.port === apiPort) return [];
    const message = `${endpoint.port} cannot be reached: kube-vip passes on the address, not the port; use ${apiPort}, the port of the API servers`;
    return [refuse(at(key, message))];
  }
  const shared = holders.some(({ roles }) => roles.includes("control-plane"));
  if (endpoint.provider === "external" || !(shared || endpoint.provider === "keepalived-haproxy")) return [];
  if (endpoint.port === apiPort) {
    const message = `${endpoint.port} is the port of the API servers, and haproxy shares their machines; use another one such as 8443, or change apiPort`;
    return [refuse(at(key, message))];
  }
  const listeners = [endpoint.port, ...endpoint.forwards.map(({ port }) => port)];
  const statsPort = endpoint.stats?.port;
  return [...listeners, ...(statsPort === undefined ? [] : [statsPort])]
    .filter((port, index, all) => CONTROL_PLANE_PORTS.includes(port) || all.indexOf(port) < index)
    .map((port) =>
      refuse(at(key, `port ${port} is wanted twice on the machines that run haproxy; choose another one`)),
    );
}

function providerFindings({ endpoint, holders, view, at }: Subject): readonly Finding[] {
  const { provider, vrrp } = endpoint;
  const findings: Finding[] = [];
  if (provider === "dedicated-haproxy" && holders.length === 0 && view.members.length > 0) {
    const message =
      "dedicated-haproxy needs one or two machines with the role load-balancer, and there is none";
    findings.push(refuse(at(["endpoint", "provider"], message)));
  }
  if (provider === "dedicated-haproxy" && holders.length === 1) {
    const message = `${holders[0]?.name ?? ""} is the only load balancer: when it is down, so is the API; a second one shares the address`;
    findings.push(warn(at(["endpoint", "provider"], message)));
  }
  const names = holders.map(({ name }) => name);
  if (vrrp.preferred !== undefined && names.length > 0 && !names.includes(vrrp.preferred)) {
    const near = closest(vrrp.preferred, names);
    const hint = near === undefined ? `known are ${names.join(", ")}` : `did you mean "${near}"?`;
    const message = `${vrrp.preferred} does not hold the address; ${hint}`;
    findings.push(refuse(at(["endpoint", "vrrp", "preferred"], message)));
  }
  return findings;
}

/** Two groups of one id on one network take each other for their own. */
function routerIdFindings({ endpoint, view, at }: Subject, { clusters }: Surroundings): readonly Finding[] {
  if (!usesVrrp(endpoint)) return [];
  const id = routerIdOf(endpoint);
  const other = clusters.find(({ view: { name, spec } }) => {
    const theirs = spec.endpoint;
    return name !== view.name && theirs && usesVrrp(theirs) && routerIdOf(theirs) === id;
  });
  if (!other) return [];
  const key = ["endpoint", endpoint.routerId === undefined ? "address" : "routerId"];
  const message = `VRRP router id ${id} is already that of cluster ${other.view.name}; give endpoint.routerId another number from 1 to 255`;
  return [refuse(at(key, message))];
}

function usesVrrp({ provider }: EndpointSpec): boolean {
  return provider === "keepalived-haproxy" || provider === "dedicated-haproxy";
}
