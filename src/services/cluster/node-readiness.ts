/** Tells the registry which machines are members of their cluster in earnest: those whose Node is Ready. */
import type { ClusterStatus, NodeStatus } from "../../domain/cluster/cluster-status.ts";
import type { ClusterView } from "../../domain/cluster/members.ts";
import type { Machine } from "../../domain/machine.ts";
import type { Clock, Log } from "../ports.ts";
import type { Registry } from "../registry.ts";

export interface NodeReadinessOptions {
  readonly registry: Pick<Registry, "byName" | "apply">;
  /** The generation in which a machine reported that kubeadm had done its work. */
  readonly joinedGeneration: (cluster: string, machine: string) => number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** A kubelet that restarts is not ready for a moment; nobody is told of that. */
const PATIENCE_MS = 60_000;

export class NodeReadiness {
  readonly #options: NodeReadinessOptions;
  /** Monotonic time since when a machine's Node has not been ready. */
  readonly #notReadySince = new Map<string, number>();

  constructor(options: NodeReadinessOptions) {
    this.#options = options;
  }

  /** Compares what a look found with what the registry believes. A look that saw no nodes says nothing. */
  async tell(cluster: ClusterView, status: ClusterStatus): Promise<void> {
    if (status.nodesProblem !== undefined) return;
    for (const node of status.nodes) {
      const machine = this.#options.registry.byName(node.name);
      if (machine?.spec.cluster !== cluster.name) continue;
      try {
        await this.#tellOf(machine, { cluster: cluster.name, node });
      } catch (error) {
        this.#options.log.error({ err: error, machine: node.name }, "a Node's state could not be recorded");
      }
    }
  }

  async #tellOf(
    machine: Machine,
    { cluster, node }: { readonly cluster: string; readonly node: NodeStatus },
  ): Promise<void> {
    const { registry, clock } = this.#options;
    if (node.state === "ready") {
      this.#notReadySince.delete(machine.name);
      if (machine.state !== "ready" && this.#isItsOwn(machine, cluster))
        await registry.apply(machine.name, { type: "node-ready" }, "observer");
      return;
    }
    if (machine.state !== "ready") return;
    const now = clock.monotonic();
    const since = this.#notReadySince.get(machine.name) ?? now;
    this.#notReadySince.set(machine.name, since);
    if (now - since < PATIENCE_MS) return;
    const reason = node.state === "missing" ? node.reason : `its Node is not ready: ${node.reason}`;
    await registry.apply(machine.name, { type: "node-lost", reason }, "observer");
    this.#notReadySince.delete(machine.name);
  }

  /** The Node of a machine that was installed again may be the one it had before. */
  #isItsOwn(machine: Machine, cluster: string): boolean {
    if (machine.state === "joining" || machine.state === "failed") return true;
    return this.#options.joinedGeneration(cluster, machine.name) === machine.generation;
  }
}
