/** Turns silence into `failed`: every machine that is expected to report has a deadline, and here it is watched. */
import type { Clock, Log, Service } from "./ports.ts";
import type { Registry } from "./registry.ts";
import type { Timers } from "./timers.ts";

export interface WatchdogOptions {
  readonly registry: Pick<Registry, "list" | "apply">;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

const LOOK_EVERY_MS = 15_000;
/** Nobody could report while the appliance was down: its machines get this long to be heard again. */
const GRACE_AFTER_START_MS = 300_000;

interface Watched {
  readonly deadline: number;
  /** On the monotonic clock: a wall clock that is set forward must not fail every machine. */
  readonly due: number;
}

export class Watchdog implements Service {
  readonly #options: WatchdogOptions;
  #watched = new Map<string, Watched>();
  #callOff: (() => void) | undefined;
  #look: Promise<void> | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    if (this.#callOff) return Promise.resolve();
    this.#watch(GRACE_AFTER_START_MS);
    this.#schedule();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#callOff?.();
    this.#callOff = undefined;
    await this.#look;
  }

  /** Looks once at every deadline; resolves when each machine that passed its own has failed. */
  look(): Promise<void> {
    this.#look ??= this.#lookOnce().finally(() => {
      this.#look = undefined;
    });
    return this.#look;
  }

  async #lookOnce(): Promise<void> {
    this.#watch(0);
    const now = this.#options.clock.monotonic();
    const due = [...this.#watched].filter(([, watched]) => watched.due <= now);
    for (const [name, { deadline }] of due) await this.#fail(name, deadline);
  }

  #schedule(): void {
    this.#callOff = this.#options.timers.after(LOOK_EVERY_MS, () => {
      this.#schedule();
      void this.look();
    });
  }

  /** Notes new deadlines, which are at least `atLeast` milliseconds away, and forgets those that are gone. */
  #watch(atLeast: number): void {
    const { registry, clock } = this.#options;
    const watched = new Map<string, Watched>();
    for (const { name, deadline, held } of registry.list()) {
      if (deadline === undefined || held !== undefined) continue;
      const known = this.#watched.get(name);
      const due = clock.monotonic() + Math.max(atLeast, deadline - clock.now());
      watched.set(name, known?.deadline === deadline ? known : { deadline, due });
    }
    this.#watched = watched;
  }

  async #fail(machine: string, deadline: number): Promise<void> {
    try {
      await this.#options.registry.apply(machine, { type: "silence", deadline }, "watchdog");
    } catch (error) {
      // It is still watched: the next look tries again.
      this.#options.log.error({ err: error, machine }, "a silent machine could not be marked as failed");
    }
  }
}
