/** What a cluster has to say before one of its members is reimaged. */
import { type ClusterRecord, hasJoined } from "../../domain/cluster/cluster-record.ts";
import {
  type ClusterMember,
  type ClusterView,
  etcdMembersOf,
  memberNamed,
  membersWith,
} from "../../domain/cluster/members.ts";
import { removalObjection } from "../../domain/cluster/quorum.ts";
import type { Machine } from "../../domain/machine.ts";
import type { Clusters } from "../clusters.ts";
import type { Clock, MachineLookup } from "../ports.ts";
import type { ReimageGuard } from "../reimage.ts";
import type { ClusterLook } from "./cluster-look.ts";
import type { ClusterStates } from "./cluster-state.ts";
import { isOnTheWay } from "./turn-situation.ts";

export interface MemberGuardOptions {
  readonly clusters: Clusters;
  readonly states: Pick<ClusterStates, "get">;
  readonly machines: Pick<MachineLookup, "byName">;
  readonly look: ClusterLook;
  readonly clock: Clock;
}

/** Refuses to take away the only control plane: without an API server nobody could join again. Nobody may override that. */
export function lastControlPlaneGuard({ clusters, states }: MemberGuardOptions): ReimageGuard {
  return {
    name: "last control plane",
    overridable: false,
    check: ({ name }) => {
      const cluster = clusters.ofMachine(name);
      const record = cluster && states.get(cluster.name);
      if (!cluster || record?.members[name]?.joinedAt === undefined) return Promise.resolve(undefined);
      const joined = membersWith(cluster, "control-plane").filter(
        (member) => record.members[member.name]?.joinedAt !== undefined,
      );
      if (joined.length !== 1 || joined[0]?.name !== name) return Promise.resolve(undefined);
      return Promise.resolve(
        `it is the only control plane: nothing would be left that it could join; ${giveUp(cluster)}`,
      );
    },
  };
}

/** Refuses to take a machine out of a cluster whose etcd would not survive it. Nobody may override that. */
export function quorumGuard(options: MemberGuardOptions): ReimageGuard {
  return {
    name: "etcd quorum",
    overridable: false,
    check: (machine) => quorumObjection(options, machine),
  };
}

/** Why the machine cannot leave its cluster's etcd now; undefined when it can, or is not in it. */
export async function quorumObjection(
  { clusters, states, machines, look, clock }: MemberGuardOptions,
  machine: Machine,
): Promise<string | undefined> {
  const cluster = clusters.ofMachine(machine.name);
  const member = cluster && memberNamed(cluster, machine.name);
  if (!cluster || !member || !mayBeInEtcd(cluster, member, states)) return undefined;
  look.forget(cluster.name);
  const { etcd } = await look.look(cluster);
  const others = etcdMembersOf(cluster).filter(({ name }) => name !== machine.name);
  const othersReimaged = others.map(({ name }) => name).filter((name) => comesBack(machines.byName(name)));
  const joining = isJoining(machine, states.get(cluster.name), clock.now());
  const objection = removalObjection({ target: machine.name, etcd, joining, othersReimaged });
  return objection === undefined ? undefined : `${objection}; ${giveUp(cluster)}`;
}

function giveUp({ name }: ClusterView): string {
  return `to give the cluster up, retire its machines, delete cluster ${name}, and apply it again`;
}

/** Before the initialisation nobody is; after it whoever joined, or was on its way in. */
function mayBeInEtcd(
  cluster: ClusterView,
  member: ClusterMember,
  states: Pick<ClusterStates, "get">,
): boolean {
  const record = states.get(cluster.name);
  if (record.init.phase !== "initialised") return false;
  if (!etcdMembersOf(cluster).some(({ name }) => name === member.name)) return false;
  const { generation } = record.members[member.name] ?? { generation: 0 };
  const holder = { machine: member.name, generation };
  return hasJoined(record, holder) || record.joins.some(({ machine }) => machine === member.name);
}

/** Whether kubeadm may be at work on it: not after it failed, and no longer than its turn. */
function isJoining({ name, state }: Machine, { joins }: ClusterRecord, now: number): boolean {
  return state === "joining" && joins.some(({ machine, deadline }) => machine === name && deadline > now);
}

/** Whether a machine is out of etcd and on its way back into it. */
function comesBack(machine: Machine | undefined): boolean {
  if (!machine || machine.generation < 2)
    return machine?.state === "draining" || machine?.state === "removing";
  if (["registered", "installing", "draining", "removing"].includes(machine.state)) return true;
  return isOnTheWay(machine);
}
