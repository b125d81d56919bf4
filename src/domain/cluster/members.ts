/** A cluster together with the machines that belong to it: what planning, turns and checks work on. */
import type { MachineSpec, Role } from "../machine-spec.ts";
import type { ClusterSpec } from "./cluster-spec.ts";

/** One machine of a cluster. */
export interface ClusterMember {
  readonly name: string;
  readonly spec: MachineSpec;
  readonly roles: readonly Role[];
  /** The stable IPv4 address at which the other members find it. */
  readonly address: string;
}

/** A cluster and its members, sorted by name. */
export interface ClusterView {
  readonly name: string;
  readonly spec: ClusterSpec;
  readonly members: readonly ClusterMember[];
}

/** Where clients of the API server connect to. */
export interface ApiEndpoint {
  readonly address: string;
  readonly port: number;
  readonly name?: string | undefined;
}

/** The members that have a role, in the order of their names. */
export function membersWith(view: Pick<ClusterView, "members">, role: Role): readonly ClusterMember[] {
  return view.members.filter((member) => member.roles.includes(role));
}

/** The member of that name. */
export function memberNamed(view: Pick<ClusterView, "members">, name: string): ClusterMember | undefined {
  return view.members.find((member) => member.name === name);
}

/**
 * Where the API answers: the declared endpoint, or the own address of the only control plane.
 * Undefined for a cluster that has neither, which validation refuses.
 */
export function apiEndpointOf(view: ClusterView): ApiEndpoint | undefined {
  const { endpoint, apiPort } = view.spec;
  if (endpoint) return { address: endpoint.address, port: endpoint.port, name: endpoint.name };
  const [only, ...others] = membersWith(view, "control-plane");
  return only && others.length === 0 ? { address: only.address, port: apiPort } : undefined;
}

/** The members that run etcd: those with the role etcd where it is external, otherwise the control planes. */
export function etcdMembersOf(view: ClusterView): readonly ClusterMember[] {
  return membersWith(view, view.spec.etcd.topology === "external" ? "etcd" : "control-plane");
}

/** Whether a machine runs a kubelet: control planes, workers and storage hosts do; the other roles alone do not. */
export function isNode(member: Pick<ClusterMember, "roles">): boolean {
  return member.roles.some((role) => role === "control-plane" || role === "worker" || role === "storage");
}

/** The address a member keeps: the one reserved for it, or a static one of its NICs, that of the boot NIC before others. */
export function stableAddressOf(
  spec: Pick<MachineSpec, "address" | "interfaces" | "mac">,
): string | undefined {
  if (spec.address !== undefined) return spec.address;
  const fixed = spec.interfaces.filter((nic) => nic.address !== undefined);
  const chosen = fixed.find((nic) => nic.mac === spec.mac) ?? fixed[0];
  return chosen?.address?.split("/")[0];
}

/** A cluster with those of the machines that belong to it and have a stable address. */
export function clusterView(
  cluster: { readonly name: string; readonly spec: ClusterSpec },
  machines: readonly { readonly name: string; readonly spec: MachineSpec }[],
): ClusterView {
  const members = machines.flatMap(({ name, spec }): ClusterMember[] => {
    const address = stableAddressOf(spec);
    if (spec.cluster !== cluster.name || address === undefined) return [];
    return [{ name, spec, roles: spec.roles, address }];
  });
  return { ...cluster, members: members.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}
