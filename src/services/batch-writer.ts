/** Batches made durable: decided and staged in one turn of the writer, and told of afterwards. */
import type { TransitionContext } from "../domain/lifecycle-events.ts";
import { batchRecord } from "./lifecycle-record.ts";
import { type BatchEntry, type MachineBatch, type MachineBatches, stageBatch } from "./machine-batch.ts";
import type { MachineWriter } from "./machine-writer.ts";
import type { EventSink } from "./ports.ts";
import type { Source } from "./registry.ts";

export interface BatchWriterOptions {
  readonly writer: MachineWriter;
  readonly events: EventSink;
  /** Time and limits at the moment a batch is decided. */
  readonly context: () => TransitionContext;
}

export class BatchWriter implements MachineBatches {
  readonly #options: BatchWriterOptions;

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  async applyBatch(batch: MachineBatch, source: Source): Promise<readonly BatchEntry[]> {
    const { writer, events, context } = this.#options;
    const entries = await writer.write((draft) => stageBatch(draft, batch, context()));
    for (const entry of entries) {
      const record = batchRecord(entry, source);
      if (record) events.record(record);
    }
    return entries;
  }
}
