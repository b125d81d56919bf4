/**
 * Which parts of a cluster may be lost, and what that would cost: the table of components that production clusters are
 * measured by, with the instances seen now.
 */

export interface RedundancyLine {
  readonly component: string;
  /** Instances that do their work now. */
  readonly present: number;
  /** Instances from which on one may be lost. */
  readonly wanted: number;
  readonly holds: boolean;
  /** How many instances may be lost before the effect below, now. */
  readonly spare: number;
  readonly effectOfLoss: string;
}

export interface RedundancyInput {
  /** Voting etcd members, and how many of them are healthy. */
  readonly etcd: { readonly members: number; readonly healthy: number };
  readonly apiServers: number;
  readonly schedulers: number;
  readonly controllerManagers: number;
  readonly dns: number;
  /** Hosts that keep the endpoint's address; undefined where something else does. */
  readonly balancers?: number | undefined;
}

const EFFECT = {
  etcd: "without a majority nothing can be changed; reads without a quorum and running workloads may go on; losing the data loses the cluster",
  apiServer:
    "pods and services cannot be started, stopped or changed; scheduler and controllers stand still; workloads that ask no API go on",
  scheduler: "new pods are not placed on nodes; running ones go on",
  controllerManager:
    "failed pods are not replaced, scaling and node failures are not acted on; running pods go on",
  dns: "names of services are not resolved inside the cluster",
  endpoint: "nobody reaches the API from outside, and nodes that use it lose theirs; running pods go on",
  cloud: "not applicable: there is no cloud provider under bare metal",
} as const;

/** The table, in the order of what their loss costs. */
export function redundancyOf(input: RedundancyInput): readonly RedundancyLine[] {
  const { etcd, balancers } = input;
  const quorum = Math.floor(etcd.members / 2) + 1;
  const spareEtcd = Math.max(0, etcd.healthy - quorum);
  return [
    {
      component: "etcd",
      present: etcd.healthy,
      wanted: 3,
      // An even number survives no more losses than the odd number below it.
      holds: etcd.members % 2 === 1 && etcd.members >= 3 && spareEtcd >= 1,
      spare: spareEtcd,
      effectOfLoss: EFFECT.etcd,
    },
    pair("API server", input.apiServers, EFFECT.apiServer),
    ...(balancers === undefined ? [] : [pair("API endpoint", balancers, EFFECT.endpoint)]),
    pair("scheduler", input.schedulers, EFFECT.scheduler),
    pair("controller-manager", input.controllerManagers, EFFECT.controllerManager),
    pair("cluster DNS", input.dns, EFFECT.dns),
    {
      component: "cloud-controller",
      present: 0,
      wanted: 0,
      holds: true,
      spare: 0,
      effectOfLoss: EFFECT.cloud,
    },
  ];
}

function pair(component: string, present: number, effectOfLoss: string): RedundancyLine {
  return {
    component,
    present,
    wanted: 2,
    holds: present >= 2,
    spare: Math.max(0, present - 1),
    effectOfLoss,
  };
}
