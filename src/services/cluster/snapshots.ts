/**
 * Copies of each cluster's etcd on the appliance: one as soon as a cluster runs, then one every few hours while its etcd
 * answers, the oldest making way for the newest.
 */
import type { ClusterStatus } from "../../domain/cluster/cluster-status.ts";
import type { ClusterView } from "../../domain/cluster/members.ts";
import { MusterError } from "../../domain/errors.ts";
import type { Clock, EventSink, Log } from "../ports.ts";
import type { ClusterAccess } from "./ports.ts";

/** A snapshot that is kept. */
export interface KeptSnapshot {
  readonly name: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly bytes: number;
}

/** Where snapshots are kept, by cluster. */
export interface SnapshotStore {
  /** Oldest first. */
  list(cluster: string): Promise<readonly KeptSnapshot[]>;
  /** Keeps a whole snapshot or none. */
  write(
    cluster: string,
    snapshot: { readonly at: number; readonly pieces: AsyncIterable<Uint8Array> },
  ): Promise<KeptSnapshot>;
  remove(cluster: string, name: string): Promise<void>;
}

export interface ClusterSnapshotsOptions {
  readonly access: ClusterAccess;
  readonly store: SnapshotStore;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
  /** Between two snapshots; 0 for none. */
  readonly everyMs: number;
  readonly keep: number;
}

/** After a failure the next look does not try at once. */
const PAUSE_AFTER_FAILURE_MS = 600_000;

export class ClusterSnapshots {
  readonly #options: ClusterSnapshotsOptions;
  readonly #underWay = new Map<string, Promise<void>>();
  /** Monotonic time before which a cluster is not tried again. */
  readonly #notBefore = new Map<string, number>();

  constructor(options: ClusterSnapshotsOptions) {
    this.#options = options;
  }

  /** Begins a snapshot when one is due; returns at once. */
  settle(cluster: ClusterView, status: ClusterStatus): Promise<void> {
    const { everyMs, clock } = this.#options;
    const { name } = cluster;
    const answers = status.etcd.members.some(({ state }) => state === "healthy");
    const paused = clock.monotonic() < (this.#notBefore.get(name) ?? 0);
    if (everyMs > 0 && answers && !paused && !this.#underWay.has(name)) {
      this.#underWay.set(
        name,
        this.#ifDue(cluster).finally(() => this.#underWay.delete(name)),
      );
    }
    return Promise.resolve();
  }

  /** Waits for what is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** Takes one now and lets the oldest go. @throws ClusterUnreachableError when no member gives one */
  async take(cluster: ClusterView): Promise<KeptSnapshot> {
    const { access, store, clock, keep, events } = this.#options;
    const pieces = await (await access.etcd(cluster)).snapshot();
    const kept = await store.write(cluster.name, { at: clock.now(), pieces });
    const all = await store.list(cluster.name);
    for (const { name } of all.slice(0, Math.max(0, all.length - keep)))
      await store.remove(cluster.name, name);
    events.record({
      type: "etcd-snapshot-taken",
      source: "observer",
      message: `kept a snapshot of cluster ${cluster.name}'s etcd: ${kept.name}`,
      data: { cluster: cluster.name, ...kept },
    });
    return kept;
  }

  async #ifDue(cluster: ClusterView): Promise<void> {
    const { store, clock, everyMs, events, log } = this.#options;
    try {
      const newest = (await store.list(cluster.name)).at(-1);
      // A clock that was set back must not stop snapshots until it has caught up.
      if (newest && Math.abs(clock.now() - newest.at) < everyMs) return;
      await this.take(cluster);
    } catch (error) {
      this.#notBefore.set(cluster.name, clock.monotonic() + PAUSE_AFTER_FAILURE_MS);
      log.error({ err: error, cluster: cluster.name }, "a cluster's etcd was not copied");
      events.record({
        type: "etcd-snapshot-failed",
        source: "observer",
        level: "warning",
        message: `no snapshot of cluster ${cluster.name}'s etcd: ${error instanceof MusterError ? error.message : "it could not be written; see the log"}`,
        data: { cluster: cluster.name },
      });
    }
  }
}
