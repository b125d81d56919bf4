/** Which members keep the endpoint's address and balance what arrives at it. */
import type { EndpointSpec } from "../cluster/endpoint-spec.ts";
import { type ClusterMember, type ClusterView, membersWith } from "../cluster/members.ts";

type Part = { readonly member: ClusterMember; readonly cluster: ClusterView };

/** The members with haproxy: dedicated load balancers, or the control planes themselves. */
export function balancingMembers(cluster: ClusterView): readonly ClusterMember[] {
  const { endpoint } = cluster.spec;
  const dedicated = membersWith(cluster, "load-balancer");
  if (dedicated.length) return dedicated;
  return endpoint?.provider === "keepalived-haproxy" ? membersWith(cluster, "control-plane") : [];
}

/** Whether this member runs haproxy. */
export function balances({ member, cluster }: Part): boolean {
  return (
    cluster.spec.endpoint !== undefined && balancingMembers(cluster).some(({ name }) => name === member.name)
  );
}

/** Whether this member may come to hold the endpoint's address by keepalived: it is nobody's own address. */
export function holdsEndpoint({ member, cluster }: Part): boolean {
  const { endpoint } = cluster.spec;
  if (!endpoint || (endpoint.provider !== "keepalived-haproxy" && endpoint.provider !== "dedicated-haproxy"))
    return false;
  return (
    balances({ member, cluster }) &&
    !balancingMembers(cluster).some(({ address }) => address === endpoint.address)
  );
}

/** Ports on which haproxy answers: the API, what is passed on, and its statistics. */
export function balancerPorts(endpoint: EndpointSpec): readonly number[] {
  return [
    endpoint.port,
    ...endpoint.forwards.map(({ port }) => port),
    ...(endpoint.stats ? [endpoint.stats.port] : []),
  ];
}
