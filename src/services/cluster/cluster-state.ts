/** How far each cluster's assembly has come: read from memory, changed by one use case at a time, durable before it shows. */
import { type ClusterRecord, newClusterRecord } from "../../domain/cluster/cluster-record.ts";
import type { Log, Service } from "../ports.ts";
import type { ClusterStore } from "../store.ts";

/** A cluster's record while somebody works on it alone. */
export interface ClusterDraft {
  readonly record: ClusterRecord;
  /** Makes another record the present one; resolves when a power cut does not undo it. The same record costs nothing. */
  save(next: ClusterRecord): Promise<void>;
}

export interface ClusterStatesOptions {
  readonly store: ClusterStore;
  readonly log: Log;
}

export class ClusterStates implements Service {
  readonly #options: ClusterStatesOptions;
  readonly #records = new Map<string, ClusterRecord>();
  readonly #listeners = new Set<(record: ClusterRecord) => void>();
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(options: ClusterStatesOptions) {
    this.#options = options;
  }

  /** Reads every record into memory. */
  async start(): Promise<void> {
    if (this.#records.size > 0) return;
    for (const record of await this.#options.store.all()) this.#records.set(record.cluster, record);
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#queues.values());
  }

  /** The record of a cluster; an empty one when nothing happened to it yet. */
  get(cluster: string): ClusterRecord {
    return this.#records.get(cluster) ?? newClusterRecord(cluster);
  }

  /** Called after every durable change; returns the function that ends the subscription. */
  subscribe(listener: (record: ClusterRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Runs work on a cluster's record after whatever else is under way for the same cluster. */
  async alone<T>(cluster: string, work: (draft: ClusterDraft) => Promise<T>): Promise<T> {
    const before = this.#queues.get(cluster) ?? Promise.resolve();
    const run = (): Promise<T> => work(this.#draft(cluster));
    const turn = before.then(run, run);
    this.#queues.set(cluster, turn);
    try {
      return await turn;
    } finally {
      if (this.#queues.get(cluster) === turn) this.#queues.delete(cluster);
    }
  }

  /** Changes a record by a pure function; returns the new one. */
  update(cluster: string, change: (record: ClusterRecord) => ClusterRecord): Promise<ClusterRecord> {
    return this.alone(cluster, async (draft) => {
      await draft.save(change(draft.record));
      return draft.record;
    });
  }

  /** Forgets a cluster that was deleted: another one of its name begins anew. */
  forget(cluster: string): Promise<void> {
    return this.alone(cluster, async () => {
      if (!this.#records.has(cluster)) return;
      await this.#options.store.remove(cluster);
      this.#records.delete(cluster);
    });
  }

  #draft(cluster: string): ClusterDraft {
    const present = (): ClusterRecord => this.get(cluster);
    return {
      get record() {
        return present();
      },
      save: (next) => this.#save(cluster, next),
    };
  }

  async #save(cluster: string, next: ClusterRecord): Promise<void> {
    const present = this.get(cluster);
    if (next === present) return;
    const record = { ...next, revision: present.revision + 1 };
    await this.#options.store.put(record);
    this.#records.set(cluster, record);
    for (const listener of this.#listeners) this.#tell(listener, record);
  }

  #tell(listener: (record: ClusterRecord) => void, record: ClusterRecord): void {
    try {
      listener(record);
    } catch (error) {
      const { log } = this.#options;
      log.error({ err: error, cluster: record.cluster }, "a listener of the clusters' states failed");
    }
  }
}
