/** The last thing that happened to each machine, kept in memory for the tiles. */
import type { StoredEvent } from "../../services/ports.ts";
import type { Timeline } from "./control-ports.ts";

const LOOK_BACK = 1000;

export class LastEvents {
  readonly #last = new Map<string, StoredEvent>();
  #ready: Promise<void> | undefined;
  readonly #timeline: Timeline;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** Starts to listen when first called and resolves when the recent past is known. */
  ready(): Promise<void> {
    this.#ready ??= this.#begin();
    return this.#ready;
  }

  /** The last event about a machine, as far back as was looked. */
  of(machine: string): StoredEvent | undefined {
    return this.#last.get(machine);
  }

  async #begin(): Promise<void> {
    this.#timeline.subscribe((event) => this.#note(event));
    for (const event of await this.#timeline.list({ limit: LOOK_BACK })) this.#note(event);
  }

  #note(event: StoredEvent): void {
    if (event.machine === undefined) return;
    const known = this.#last.get(event.machine);
    if (!known || known.id <= event.id) this.#last.set(event.machine, event);
  }
}
