/** First in, first out, with constant work at both ends however long it grows. */

/** Entries before the head are cleared away in blocks of at least this many. */
const BLOCK = 1_024;

export class Queue<T> {
  #entries: T[] = [];
  #head = 0;

  push(entry: T): void {
    this.#entries.push(entry);
  }

  first(): T | undefined {
    return this.#entries[this.#head];
  }

  dropFirst(): void {
    if (this.#head < this.#entries.length) this.#head++;
    if (this.#head < BLOCK || this.#head * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }

  get length(): number {
    return this.#entries.length - this.#head;
  }
}
