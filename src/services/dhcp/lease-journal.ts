/** Makes lease changes durable, many with one commit: the replies that promise them wait for it. */

import type { Lease, LeaseChange } from "../../domain/dhcp/lease.ts";
import type { Ipv4 } from "../../net/ipv4.ts";
import { formatIpv4 } from "../../net/ipv4.ts";
import type { LeaseRecord, LeaseStore, Log } from "../ports.ts";
import type { LeaseTable } from "./lease-table.ts";

export type CommitOutcome = "durable" | "failed";

interface Written {
  readonly address: Ipv4;
  readonly before: Lease | undefined;
}

interface Batch {
  readonly records: Map<Ipv4, LeaseRecord>;
  readonly written: Written[];
  readonly done: Promise<CommitOutcome>;
  readonly settle: (outcome: CommitOutcome) => void;
}

/** A batch that has this many leases is committed at once. */
const FULL_BATCH = 512;
/** A batch waits this many turns of the event loop while it still grows. */
const MAX_TURNS = 8;

/**
 * Group commit. Changes stand in memory at once, so that the next decision sees them; while one batch is written the
 * next one gathers. When a commit fails, everything that was not durable yet is taken back in memory, newest first,
 * and nobody is told that it has a lease.
 */
export class LeaseJournal {
  readonly #table: LeaseTable;
  readonly #store: LeaseStore;
  readonly #log: Log;
  #gathering: Batch | undefined;
  #writing: Batch | undefined;

  constructor(options: { readonly table: LeaseTable; readonly store: LeaseStore; readonly log: Log }) {
    this.#table = options.table;
    this.#store = options.store;
    this.#log = options.log;
  }

  /** Makes the changes in memory; resolves when the leases among them are durable or were taken back. */
  write(changes: readonly LeaseChange[]): Promise<CommitOutcome> {
    let batch = this.#gathering;
    for (const change of changes) {
      const before = this.#table.apply(change);
      if (change.kind !== "write") continue;
      batch ??= this.#begin();
      batch.written.push({ address: change.lease.address, before });
      batch.records.set(change.lease.address, toRecord(change.lease));
    }
    return batch?.done ?? Promise.resolve("durable");
  }

  /** Makes leases durable that stand in memory already. */
  rewrite(leases: readonly Lease[]): Promise<CommitOutcome> {
    if (leases.length === 0) return Promise.resolve("durable");
    const batch = this.#gathering ?? this.#begin();
    for (const lease of leases) batch.records.set(lease.address, toRecord(lease));
    return batch.done;
  }

  /** Resolves when nothing waits to be written. */
  async drain(): Promise<void> {
    while (this.#writing ?? this.#gathering) await (this.#writing ?? this.#gathering)?.done;
  }

  #begin(): Batch {
    const { promise, resolve } = Promise.withResolvers<CommitOutcome>();
    const batch: Batch = { records: new Map(), written: [], done: promise, settle: resolve };
    this.#gathering = batch;
    if (!this.#writing) this.#await(batch);
    return batch;
  }

  /** Lets a few turns of the event loop pass as long as they bring more packets: one commit then serves them all. */
  #await(batch: Batch): void {
    let turns = 0;
    let size = -1;
    const turn = (): void => {
      const grown = batch.records.size > size;
      size = batch.records.size;
      if (grown && size < FULL_BATCH && turns++ < MAX_TURNS) setImmediate(turn);
      else void this.#commit(batch);
    };
    setImmediate(turn);
  }

  async #commit(batch: Batch): Promise<void> {
    this.#gathering = undefined;
    this.#writing = batch;
    try {
      await this.#store.commit([...batch.records.values()]);
      batch.settle("durable");
    } catch (error) {
      this.#log.error({ err: error, leases: batch.records.size }, "leases could not be made durable");
      this.#rollBack(batch);
    }
    this.#writing = undefined;
    this.#goOn();
  }

  #goOn(): void {
    if (this.#gathering) this.#await(this.#gathering);
  }

  /** What was gathered meanwhile was decided on leases that never came to be, so it goes too. */
  #rollBack(failed: Batch): void {
    const gathered = this.#gathering;
    this.#gathering = undefined;
    for (const batch of [gathered, failed]) {
      if (!batch) continue;
      for (const { address, before } of batch.written.toReversed()) this.#table.restore(address, before);
      batch.settle("failed");
    }
  }
}

/** A lease as it is stored. */
export function toRecord(lease: Lease): LeaseRecord {
  const { address, mac, clientId, hostname, giaddr, circuitId, ...rest } = lease;
  return {
    ...rest,
    address: formatIpv4(address),
    ...(mac === undefined ? {} : { mac }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(giaddr === undefined ? {} : { giaddr: formatIpv4(giaddr) }),
    ...(circuitId === undefined ? {} : { circuitId }),
  };
}
