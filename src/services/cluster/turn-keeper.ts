/**
 * Tidies up without being asked: spent tokens go, also after a restart or a silence of their cluster; what is on record about
 * a cluster goes with the cluster.
 */
import type { Clusters } from "../clusters.ts";
import type { Log, Service } from "../ports.ts";
import type { Timers } from "../timers.ts";
import type { ClusterStates } from "./cluster-state.ts";
import type { JoinTokens } from "./join-tokens.ts";

export interface TurnKeeperOptions {
  readonly clusters: Clusters;
  readonly states: ClusterStates;
  readonly tokens: Pick<JoinTokens, "sweep">;
  readonly timers: Timers;
  readonly log: Log;
}

const EVERY_MS = 20_000;

export class TurnKeeper implements Service {
  readonly #options: TurnKeeperOptions;
  #callOff: (() => void) | undefined;
  #unsubscribe: (() => void) | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(options: TurnKeeperOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    if (!this.#callOff) this.#schedule();
    this.#unsubscribe ??= this.#options.clusters.subscribe((change) => {
      if (change.kind === "removed") void this.#forget(change.name);
    });
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    await this.#sweeping;
  }

  /** Deletes the spent tokens of every cluster that has some; never rejects. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweepAll().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  #schedule(): void {
    this.#callOff = this.#options.timers.after(EVERY_MS, () => {
      this.#schedule();
      void this.sweep();
    });
  }

  async #forget(cluster: string): Promise<void> {
    try {
      await this.#options.states.forget(cluster);
    } catch (error) {
      this.#options.log.error(
        { err: error, cluster },
        "the record of a deleted cluster could not be removed",
      );
    }
  }

  async #sweepAll(): Promise<void> {
    const { clusters, states, tokens, log } = this.#options;
    for (const cluster of clusters.list()) {
      if (states.get(cluster.name).spentTokens.length === 0) continue;
      try {
        await tokens.sweep(cluster);
      } catch (error) {
        log.warn({ err: error, cluster: cluster.name }, "spent tokens could not be deleted");
      }
    }
  }
}
