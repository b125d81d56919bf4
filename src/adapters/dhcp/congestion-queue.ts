/** Keeps datagrams while answers are under way, and loses the oldest first when there are too many (D-33). */

interface Waiting<T> {
  readonly item: T;
  readonly arrivedAt: number;
}

/** A client repeats itself after this time (milliseconds): its older datagram is not worth an answer any more. */
const STALE_AFTER = 3000;

/** A bounded queue; what waited too long is skipped. Time in milliseconds is passed in. */
export class CongestionQueue<T> {
  readonly #capacity: number;
  readonly #ring: (Waiting<T> | undefined)[];
  #head = 0;
  #length = 0;
  #dropped = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#ring = new Array<Waiting<T> | undefined>(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Datagrams given up since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds at the end; when full the oldest goes. */
  push(item: T, now: number): void {
    if (this.#length === this.#capacity) this.#drop();
    this.#ring[(this.#head + this.#length) % this.#capacity] = { item, arrivedAt: now };
    this.#length += 1;
  }

  /** The oldest that is still worth an answer. */
  shift(now: number): T | undefined {
    while (this.#length > 0) {
      const waiting = this.#take();
      if (waiting && now - waiting.arrivedAt <= STALE_AFTER) return waiting.item;
      this.#dropped += 1;
    }
    return undefined;
  }

  #drop(): void {
    this.#take();
    this.#dropped += 1;
  }

  #take(): Waiting<T> | undefined {
    const waiting = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#capacity;
    this.#length -= 1;
    return waiting;
  }
}
