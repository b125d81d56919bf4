/** Token buckets by source address: one talkative machine cannot fill the log of the others. */

/** Lines a second on average; debian-installer's bursts stay well below. */
const PER_SECOND = 200;
const BURST = 2000;
/** Sources remembered; the one longest silent is forgotten first. */
const MAX_SOURCES = 5000;

interface Bucket {
  tokens: number;
  at: number;
}

export class SourceRates {
  readonly #buckets = new Map<string, Bucket>();

  /** Whether a line from that address may pass; time in milliseconds is passed in. */
  admit(address: string, now: number): boolean {
    const bucket = this.#buckets.get(address) ?? { tokens: BURST, at: now };
    bucket.tokens = Math.min(BURST, bucket.tokens + ((now - bucket.at) / 1000) * PER_SECOND);
    bucket.at = now;
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    this.#forgetSilent();
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #forgetSilent(): void {
    if (this.#buckets.size <= MAX_SOURCES) return;
    const oldest = this.#buckets.keys().next();
    if (oldest.done !== true) this.#buckets.delete(oldest.value);
  }
}
