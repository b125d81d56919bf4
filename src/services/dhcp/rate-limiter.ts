/** Token buckets by key: who sends too much is not heard, and nobody else notices. */
import { RecentKeys } from "./recent-keys.ts";

interface Bucket {
  tokens: number;
  /** Monotonic milliseconds of the last refill. */
  at: number;
}

export class RateLimiter {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #buckets: RecentKeys<Bucket>;

  /** `burst` packets may come at once; about `maxKeys` senders are remembered. */
  constructor(options: { readonly perSecond: number; readonly burst: number; readonly maxKeys: number }) {
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#buckets = new RecentKeys(options.maxKeys);
  }

  /** Takes a token; false when there is none left. */
  admit(key: string, monotonic: number): boolean {
    const bucket = this.#buckets.get(key);
    if (!bucket) {
      this.#buckets.set(key, { tokens: this.#burst - 1, at: monotonic });
      return true;
    }
    const refilled = bucket.tokens + ((monotonic - bucket.at) / 1000) * this.#perSecond;
    bucket.tokens = Math.min(this.#burst, refilled);
    bucket.at = monotonic;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  /** Senders remembered. */
  get size(): number {
    return this.#buckets.size;
  }
}
