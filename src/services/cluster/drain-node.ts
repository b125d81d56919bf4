/** Empties a node before it goes: no new pods, and those it has are evicted, disruption budgets respected. */
import type { Clock } from "../ports.ts";
import type { Timers } from "../timers.ts";
import { pause } from "./pause.ts";
import type { KubernetesAccess } from "./ports.ts";

export interface DrainOptions {
  readonly kubernetes: KubernetesAccess;
  readonly node: string;
  /** Milliseconds. */
  readonly limit: number;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Aborted when the appliance stops. */
  readonly stopping: AbortSignal;
}

export type DrainOutcome =
  | { readonly kind: "drained" }
  /** There is no such node, or it is dead: nobody there could end a pod. */
  | { readonly kind: "nothing-to-drain" }
  /** Still protected when the time was over. */
  | { readonly kind: "blocked"; readonly pods: readonly string[] }
  /** The appliance stops: it goes on with it after its next start. */
  | { readonly kind: "stopped" };

const ASK_AGAIN_MS = 5_000;

/** Drains a node. A node that could not be drained in time is opened again. @throws ClusterUnreachableError, ClusterRefusedError */
export async function drainNode(options: DrainOptions): Promise<DrainOutcome> {
  const { kubernetes, node, limit, clock, stopping } = options;
  const found = await kubernetes.node(node);
  if (!found?.ready) return { kind: "nothing-to-drain" };
  await kubernetes.setSchedulable(node, false);
  const until = clock.monotonic() + limit;
  for (;;) {
    const { blocked } = await kubernetes.evictPods(node);
    if (blocked.length === 0) return { kind: "drained" };
    if (stopping.aborted) return { kind: "stopped" };
    if (clock.monotonic() >= until) {
      await kubernetes.setSchedulable(node, true);
      return { kind: "blocked", pods: blocked.map(({ pod, reason }) => `${pod} (${reason})`) };
    }
    await pause(ASK_AGAIN_MS, options);
  }
}
