/** A map that forgets what was not touched lately: bounded, and with constant work per access. */

/**
 * Two generations: new and touched keys live in the young one; when that is full, the old one is forgotten and the
 * young one grows old. At most twice `limit` keys are held.
 */
export class RecentKeys<T> {
  readonly #limit: number;
  #young = new Map<string, T>();
  #old = new Map<string, T>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): T | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: T): void {
    if (this.#young.size >= this.#limit) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  /** Keys held at most; a key may be counted in both generations. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
