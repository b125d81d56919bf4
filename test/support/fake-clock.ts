/** A clock and its timers that move only when a test says so. */
import type { Clock } from "../../src/services/ports.ts";
import type { Timers } from "../../src/services/timers.ts";

interface Pending {
  readonly at: number;
  readonly run: () => void;
}

export class FakeClock implements Clock, Timers {
  #wall: number;
  #monotonic = 0;
  #nextId = 1;
  readonly #pending = new Map<number, Pending>();

  constructor(start = 1_750_000_000_000) {
    this.#wall = start;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(delay: number, run: () => void): () => void {
    const id = this.#nextId++;
    this.#pending.set(id, { at: this.#monotonic + delay, run });
    return () => void this.#pending.delete(id);
  }

  /** Lets time pass, in milliseconds, and runs the timers that become due, in their order. */
  advance(duration: number): void {
    const end = this.#monotonic + duration;
    for (let next = this.#due(end); next; next = this.#due(end)) {
      this.#pending.delete(next.id);
      this.#move(next.pending.at - this.#monotonic);
      next.pending.run();
    }
    this.#move(end - this.#monotonic);
  }

  /** Sets the wall clock alone, as an administrator or NTP would. */
  jump(by: number): void {
    this.#wall += by;
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#pending.size;
  }

  #move(by: number): void {
    this.#wall += by;
    this.#monotonic += by;
  }

  #due(end: number): { id: number; pending: Pending } | undefined {
    const due = [...this.#pending].filter(([, pending]) => pending.at <= end);
    const [first] = due.sort(([a, x], [b, y]) => x.at - y.at || a - b);
    return first && { id: first[0], pending: first[1] };
  }
}
