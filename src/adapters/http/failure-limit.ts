/** Slows down an address that keeps presenting wrong credentials. */
import type { Clock } from "../../services/ports.ts";

interface Window {
  readonly startedAt: number;
  failures: number;
}

/**
 * Counts failures per address in windows of a minute. Right credentials always pass: they are 256 random bits, so
 * the limit keeps floods out of the log; locking out everybody behind one router would help the attacker.
 */
export class FailureLimit {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #maxAddresses: number;
  readonly #windows = new Map<string, Window>();

  constructor(options: {
    readonly clock: Clock;
    readonly limit?: number;
    readonly windowMs?: number;
    readonly maxAddresses?: number;
  }) {
    this.#clock = options.clock;
    this.#limit = options.limit ?? 10;
    this.#windowMs = options.windowMs ?? 60_000;
    this.#maxAddresses = options.maxAddresses ?? 4096;
  }

  /** Notes a failure; seconds to wait when this address has had too many, otherwise undefined. */
  failed(address: string): number | undefined {
    const now = this.#clock.monotonic();
    const window = this.#windowOf(address, now);
    window.failures += 1;
    if (window.failures <= this.#limit) return undefined;
    return Math.max(1, Math.ceil((window.startedAt + this.#windowMs - now) / 1000));
  }

  /** Seconds that this address still has to wait; undefined when it may go on. */
  blocked(address: string): number | undefined {
    const now = this.#clock.monotonic();
    const window = this.#windows.get(address);
    if (!window || window.failures < this.#limit || now - window.startedAt >= this.#windowMs)
      return undefined;
    return Math.max(1, Math.ceil((window.startedAt + this.#windowMs - now) / 1000));
  }

  #windowOf(address: string, now: number): Window {
    const known = this.#windows.get(address);
    if (known && now - known.startedAt < this.#windowMs) return known;
    this.#windows.delete(address);
    const fresh = { startedAt: now, failures: 0 };
    this.#windows.set(address, fresh);
    // Oldest first out: memory stays bounded however many addresses are made up.
    const oldest = this.#windows.keys().next().value;
    if (this.#windows.size > this.#maxAddresses && oldest !== undefined) this.#windows.delete(oldest);
    return fresh;
  }
}
