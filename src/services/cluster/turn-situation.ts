/** The parts of a turn's situation that follow from records alone. */
import type { ClusterRecord } from "../../domain/cluster/cluster-record.ts";
import { type ClusterMember, type ClusterView, isNode, membersWith } from "../../domain/cluster/members.ts";
import type { LifecycleState, Machine } from "../../domain/machine.ts";
import type { MachineLookup } from "../ports.ts";

/** Whether the holder of the init turn has been installed anew since: what it began is gone from its disk. */
export function holderReinstalled(record: ClusterRecord, machines: Pick<MachineLookup, "byName">): boolean {
  const { init } = record;
  if (init.phase !== "initialising") return false;
  const machine = machines.byName(init.machine);
  return machine !== undefined && machine.generation > init.generation && machine.installFinished;
}

/** The dedicated load balancers when none of them works yet; nothing where the cluster has none. */
export function balancersMissing(cluster: ClusterView, record: ClusterRecord): readonly string[] {
  if (cluster.spec.endpoint?.provider !== "dedicated-haproxy") return [];
  const names = membersWith(cluster, "load-balancer").map(({ name }) => name);
  return names.some((name) => record.members[name]?.balancerAt !== undefined) ? [] : names;
}

/** Whether a member runs nothing of Kubernetes but an etcd beside the control planes. */
export function isEtcdHost(cluster: ClusterView, member: ClusterMember): boolean {
  return cluster.spec.etcd.topology === "external" && member.roles.includes("etcd") && !isNode(member);
}

const ON_THE_WAY: readonly LifecycleState[] = ["installed", "preparing", "waiting", "joining"];

/** Whether a machine is between its installation and its cluster, be it that it failed there. */
export function isOnTheWay(machine: Machine | undefined): machine is Machine {
  const state = machine?.state === "failed" ? machine.failure?.from : machine?.state;
  return state !== undefined && ON_THE_WAY.includes(state);
}

/** Why a machine may get no turn now, whatever its cluster says. */
export function holdOf(machine: Machine | undefined): string | undefined {
  if (machine?.state === "draining" || machine?.state === "removing") {
    return "it is being taken out of the cluster";
  }
  return machine?.held;
}
