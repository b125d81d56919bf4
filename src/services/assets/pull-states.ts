/** What is known of the things that are pulled in the background: how far each is, and when it is looked at again. */
import { MusterError } from "../../domain/errors.ts";
import type { Clock, Log } from "../ports.ts";
import type { AssetStatus } from "./assets.ts";

/** One thing's state. `nextCheckAt` is a reading of the monotonic clock. */
export interface PullState {
  status: AssetStatus;
  nextCheckAt: number;
  running: Promise<void> | undefined;
}

export interface PullStatesOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** How long after a failure an archive is left alone, milliseconds. */
  readonly retryAfterMs: number;
  /** What the log says of a failure. */
  readonly failure: string;
}

export class PullStates {
  readonly #options: PullStatesOptions;
  readonly #states = new Map<string, PullState>();
  #stopping = new AbortController();

  constructor(options: PullStatesOptions) {
    this.#options = options;
  }

  /** Ends every pull when {@link PullStates.stop} is called. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  start(): void {
    this.#stopping = new AbortController();
  }

  /** Ends what runs and waits for its end. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([...this.#states.values()].flatMap((state) => state.running ?? []));
  }

  statusOf(key: string): AssetStatus | undefined {
    return this.#states.get(key)?.status;
  }

  /** The state under this key; a new one begins with `status`. */
  of(key: string, status: AssetStatus): PullState {
    const held = this.#states.get(key);
    if (held) return held;
    const state: PullState = { status, nextCheckAt: 0, running: undefined };
    this.#states.set(key, state);
    return state;
  }

  /** Whether it is time to look: nothing runs, the last result no longer counts, and nobody is stopping. */
  isDue(state: PullState): boolean {
    const { clock } = this.#options;
    return !state.running && clock.monotonic() >= state.nextCheckAt && !this.signal.aborted;
  }

  /** Makes everything that is idle due now. */
  forgetChecks(): void {
    for (const state of this.#states.values()) if (!state.running) state.nextCheckAt = 0;
  }

  /** Looks in the background. `look` sets the status and resolves with how long that counts, milliseconds. */
  run(state: PullState, name: string, look: () => Promise<number>): void {
    state.running = this.#look(state, name, look).finally(() => {
      state.running = undefined;
    });
  }

  async #look(state: PullState, name: string, look: () => Promise<number>): Promise<void> {
    const { clock, log, retryAfterMs, failure } = this.#options;
    let wait = retryAfterMs;
    try {
      wait = await look();
    } catch (error) {
      const reason =
        error instanceof MusterError ? error.message : "an internal error, see the appliance's log";
      if (!this.signal.aborted) log.warn({ error, need: name }, failure);
      state.status = { kind: "missing", reason: `${name}: ${reason}` };
    }
    state.nextCheckAt = clock.monotonic() + wait;
  }
}
