/** Who applies the pod network and the add-ons now. */

import { decideAddons } from "../../domain/cluster/addons-turn.ts";
import type { Holder } from "../../domain/cluster/cluster-record.ts";
import { memberNamed } from "../../domain/cluster/members.ts";
import type { Clusters } from "../clusters.ts";
import type { Clock, EventSink } from "../ports.ts";
import type { ClusterStates } from "./cluster-state.ts";
import type { TurnReply } from "./turn-reply.ts";

export interface AddonsTurnsOptions {
  readonly clusters: Clusters;
  readonly states: ClusterStates;
  readonly events: EventSink;
  readonly clock: Clock;
  /** After this time (milliseconds) another control plane takes over. */
  readonly patienceMs: number;
}

export class AddonsTurns {
  readonly #options: AddonsTurnsOptions;

  constructor(options: AddonsTurnsOptions) {
    this.#options = options;
  }

  /** Answers a machine that is ready to apply them. */
  async ask(node: Holder): Promise<TurnReply> {
    const { clusters, states, clock, patienceMs } = this.#options;
    const cluster = clusters.ofMachine(node.machine);
    const member = cluster && memberNamed(cluster, node.machine);
    if (!cluster || !member) return { action: "done", reason: "this machine belongs to no cluster" };
    const controlPlane = member.roles.includes("control-plane");
    return states.alone(cluster.name, async (draft) => {
      const { record } = draft;
      const now = clock.now();
      const reply = decideAddons({ now, asker: { ...node, controlPlane }, record, patience: patienceMs });
      if (reply.action !== "addons") return reply;
      await draft.save({ ...record, addons: { holder: { ...node, since: now } } });
      this.#options.events.record({
        type: "addons-turn-granted",
        machine: node.machine,
        source: "node",
        message: `${node.machine} applies the pod network and the add-ons of cluster ${cluster.name}`,
        data: { cluster: cluster.name },
      });
      return reply;
    });
  }
}
