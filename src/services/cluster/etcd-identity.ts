/** One cluster has one etcd in its life: whoever looks at it compares what it says of itself with what is on record. */
import { withEtcdClusterId, withFreeze } from "../../domain/cluster/cluster-record.ts";
import type { ClusterStatus } from "../../domain/cluster/cluster-status.ts";
import type { ClusterView } from "../../domain/cluster/members.ts";
import type { Clock, EventSink } from "../ports.ts";
import type { ClusterStates } from "./cluster-state.ts";

export interface EtcdIdentityOptions {
  readonly states: ClusterStates;
  readonly events: EventSink;
  readonly clock: Clock;
}

/** Records the id of a cluster's etcd at the first look, and freezes the cluster with an alarm when another one answers. */
export async function keepEtcdIdentity(
  { states, events, clock }: EtcdIdentityOptions,
  { name }: ClusterView,
  status: Pick<ClusterStatus, "etcd">,
): Promise<void> {
  const { clusterId } = status.etcd;
  const { init, frozen } = states.get(name);
  if (clusterId === undefined || init.phase !== "initialised" || init.etcdClusterId === clusterId) return;
  if (init.etcdClusterId === undefined) {
    await states.update(name, (record) => withEtcdClusterId(record, clusterId));
    return;
  }
  if (frozen) return;
  const reason = `etcd answers with the cluster id ${clusterId}; ${init.etcdClusterId} was recorded when the cluster was initialised`;
  await states.update(name, (record) => withFreeze(record, reason, clock.now()));
  events.record({
    type: "cluster-freeze",
    source: "observer",
    level: "alarm",
    message: `cluster ${name}: nobody gets a turn any more: ${reason}; look at it, then: muster cluster unfreeze ${name}`,
    data: { cluster: name, etcdClusterId: clusterId },
  });
}
