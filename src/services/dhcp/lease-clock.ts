/** Wall-clock time for leases that notices when somebody sets the clock. */
import type { Clock } from "../ports.ts";

/** NTP slews stay below this; larger steps are jumps. Milliseconds. */
const JUMP_MS = 30_000;

export interface LeaseTime {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly monotonic: number;
  /** How far the wall clock was moved since the last reading, 0 when it was not. */
  readonly jump: number;
}

export class LeaseClock {
  readonly #clock: Clock;
  #offset: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  read(): LeaseTime {
    const now = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const moved = now - monotonic - (this.#offset ?? now - monotonic);
    this.#offset = now - monotonic;
    return { now, monotonic, jump: Math.abs(moved) > JUMP_MS ? moved : 0 };
  }
}
