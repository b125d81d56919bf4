/** Puts sightings onto their machines: every few seconds rather than per packet, and once more at the end. */
import type { Sighting } from "../domain/machine.ts";
import type { MachineDraft } from "./machine-draft.ts";
import type { MachineWriter } from "./machine-writer.ts";
import type { Log } from "./ports.ts";
import { type Sightings, withSighting } from "./sightings.ts";
import type { Timers } from "./timers.ts";

const WRITTEN_EVERY_MS = 5_000;

export interface SightingWriterOptions {
  readonly sightings: Sightings;
  readonly writer: MachineWriter;
  readonly timers: Timers;
  readonly log: Log;
}

/** Writes what is pending in `sightings` while started; a sighting of a machine that is gone by then is dropped. */
export class SightingWriter {
  readonly #options: SightingWriterOptions;
  #stopTimer: (() => void) | undefined;

  constructor(options: SightingWriterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopTimer ??= this.#schedule();
  }

  /** Resolves once everything seen so far is written, or could not be. */
  async stop(): Promise<void> {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    await this.#write();
  }

  #schedule(): () => void {
    return this.#options.timers.after(WRITTEN_EVERY_MS, () => {
      this.#stopTimer = this.#schedule();
      void this.#write();
    });
  }

  // Evidence only: a store that is broken must neither stop the clock nor the appliance's own end.
  async #write(): Promise<void> {
    const { sightings, writer, log } = this.#options;
    if (!sightings.pending) return;
    const seen = sightings.take();
    try {
      await writer.write((draft) => {
        for (const [name, sighting] of seen) stage(draft, name, sighting);
      });
    } catch (error) {
      log.warn({ err: error }, "sightings could not be written");
    }
  }
}

function stage(draft: MachineDraft, name: string, sighting: Sighting): void {
  const machine = draft.byName(name);
  if (machine) draft.put(withSighting(machine, sighting));
}
