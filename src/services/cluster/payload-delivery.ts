/** When a machine may take what makes it a member of its cluster. */
import { type Holder, isBanished } from "../../domain/cluster/cluster-record.ts";
import type { Clusters } from "../clusters.ts";
import type { Clock } from "../ports.ts";
import type { Registry } from "../registry.ts";
import type { ClusterStates } from "./cluster-state.ts";
import { type EndpointCheck, rememberEndpoint } from "./endpoint-check.ts";
import { holdOf, isOnTheWay } from "./turn-situation.ts";

/** What a machine gets that asks for its payload. */
export type PayloadOutcome =
  /** A gzipped tar archive, unpacked below `/`. */
  | { readonly kind: "payload"; readonly bytes: Uint8Array; readonly etag?: string }
  /** It belongs to no cluster, so far. */
  | { readonly kind: "none" }
  | { readonly kind: "waiting"; readonly reason: string; readonly retrySeconds: number };

/** Makes the payload of a machine. */
export interface NodePayloads {
  payloadFor(machine: string): Promise<PayloadOutcome>;
}

export interface PayloadDeliveryOptions {
  readonly clusters: Clusters;
  readonly states: ClusterStates;
  readonly machines: Pick<Registry, "byName" | "apply">;
  readonly endpoint: Pick<EndpointCheck, "check">;
  readonly payloads: NodePayloads;
  readonly clock: Clock;
}

const PERSON_SECONDS = 60;
const TAKEN_SECONDS = 15;

export class PayloadDelivery {
  readonly #options: PayloadDeliveryOptions;

  constructor(options: PayloadDeliveryOptions) {
    this.#options = options;
  }

  /**
   * The payload of a machine whose certificate was verified. Held back while the machine is held, and while somebody else
   * holds the cluster's address: with its payload the machine would claim it.
   */
  async deliver(node: Holder): Promise<PayloadOutcome> {
    const { clusters, states, machines, endpoint, payloads, clock } = this.#options;
    const cluster = clusters.ofMachine(node.machine);
    if (!cluster) return { kind: "none" };
    const machine = machines.byName(node.machine);
    const hold = isBanished(states.get(cluster.name), node)
      ? "it was declared gone; reimage it"
      : holdOf(machine);
    if (hold !== undefined) return waiting(`${node.machine} is held: ${hold}`, PERSON_SECONDS);
    const sight = await endpoint.check(cluster);
    if (sight.kind === "taken") return waiting(sight.by, TAKEN_SECONDS);
    const outcome = await payloads.payloadFor(node.machine);
    if (outcome.kind !== "payload") return outcome;
    await rememberEndpoint(states, cluster.name, clock.now());
    if (isOnTheWay(machine)) {
      const event = { type: "payload-taken", generation: node.generation } as const;
      await machines.apply(node.machine, event, "node");
    }
    return outcome;
  }
}

function waiting(reason: string, retrySeconds: number): PayloadOutcome {
  return { kind: "waiting", reason, retrySeconds };
}
