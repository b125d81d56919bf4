/**
 * Records that are written soon rather than now: collected, written together, tried again while the store is broken,
 * and dropped from the old end when too many wait. Adding never throws and never waits.
 */
import type { Log } from "./ports.ts";
import type { Timers } from "./timers.ts";

export interface WriteBehindOptions<T> {
  readonly write: (records: readonly T[]) => Promise<void>;
  /** What the records are, for the log: `events`. */
  readonly what: string;
  readonly timers: Timers;
  readonly log: Log;
  /** How long a record may wait, in milliseconds. */
  readonly delay: number;
  /** Records that may wait; beyond it the oldest are lost, and the log says how many. */
  readonly capacity: number;
}

const RETRY_MS = 2_000;
const LARGEST_BATCH = 1_000;

export class WriteBehind<T> {
  readonly #options: WriteBehindOptions<T>;
  #waiting: T[] = [];
  #callOff: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #failing = false;
  #lost = 0;

  constructor(options: WriteBehindOptions<T>) {
    this.#options = options;
  }

  add(record: T): void {
    this.#waiting.push(record);
    if (this.#waiting.length > this.#options.capacity) {
      this.#waiting.shift();
      this.#lost++;
    }
    this.#schedule(this.#options.delay);
  }

  /** Writes everything that waits; resolves also when the store is broken, with the records still waiting. */
  async flush(): Promise<void> {
    do {
      this.#writing ??= this.#writeAll().finally(() => {
        this.#writing = undefined;
      });
      await this.#writing;
    } while (this.#waiting.length > 0 && !this.#failing);
  }

  #schedule(delay: number): void {
    this.#callOff ??= this.#options.timers.after(this.#failing ? RETRY_MS : delay, () => {
      this.#callOff = undefined;
      void this.flush();
    });
  }

  async #writeAll(): Promise<void> {
    this.#callOff?.();
    this.#callOff = undefined;
    let wrote = true;
    while (wrote && this.#waiting.length > 0) wrote = await this.#writeSome();
    if (!wrote) this.#schedule(RETRY_MS);
  }

  async #writeSome(): Promise<boolean> {
    const batch = this.#waiting.splice(0, LARGEST_BATCH);
    try {
      await this.#options.write(batch);
    } catch (error) {
      this.#waiting = [...batch, ...this.#waiting];
      this.#noteFailure(error);
      return false;
    }
    this.#noteSuccess();
    return true;
  }

  #noteFailure(error: unknown): void {
    if (!this.#failing)
      this.#options.log.error({ err: error }, `${this.#options.what} cannot be stored; they wait in memory`);
    this.#failing = true;
  }

  #noteSuccess(): void {
    if (this.#lost > 0)
      this.#options.log.error(
        { lost: this.#lost },
        `${this.#options.what} were lost: too many waited for the store`,
      );
    if (this.#failing) this.#options.log.info({}, `${this.#options.what} are stored again`);
    this.#failing = false;
    this.#lost = 0;
  }
}
