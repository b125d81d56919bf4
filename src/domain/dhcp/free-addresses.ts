/** The addresses of one pool that may be given away. Work per question does not grow with the pool. */
import { type Ipv4, toIpv4 } from "../../net/ipv4.ts";
import { AddressHeap } from "./address-heap.ts";
import type { Pool } from "./network-plan.ts";

/**
 * Addresses that were never used are found by a cursor that passes each once. Every other address that is not on offer
 * lies in a heap under the time from which it is free: 0 for those that came back unused, the end of the lease or
 * quarantine for the others, so that an unused address goes first and of the ended leases the oldest.
 */
export class FreeAddresses {
  readonly #pool: Pool;
  readonly #usable: (address: Ipv4) => boolean;
  readonly #untouched: (address: Ipv4) => boolean;
  readonly #heap = new AddressHeap();
  #cursor: number;

  /**
   * @param options.usable whether the address may be given away at all: not excluded and not reserved
   * @param options.untouched whether it has neither lease nor hold
   */
  constructor(
    pool: Pool,
    options: {
      readonly usable: (address: Ipv4) => boolean;
      readonly untouched: (address: Ipv4) => boolean;
    },
  ) {
    this.#pool = pool;
    this.#cursor = pool.from;
    this.#usable = options.usable;
    this.#untouched = options.untouched;
  }

  /** The next free address; it stays free until {@link take}. */
  next(now: number): Ipv4 | undefined {
    const returned = this.#oldest(0);
    if (returned !== undefined) return returned;
    for (; this.#cursor <= this.#pool.to; this.#cursor++) {
      const address = toIpv4(this.#cursor);
      if (this.#usable(address) && this.#untouched(address)) return address;
    }
    return this.#oldest(now);
  }

  /** The address is on offer. */
  take(address: Ipv4): void {
    this.#heap.delete(address);
  }

  /** The address is free from `at` on; 0 for one that was never used. */
  freeFrom(address: Ipv4, at: number): void {
    this.#heap.set(address, at);
  }

  /** Follows a jump of the clock. */
  shift(milliseconds: number): void {
    this.#heap.shift(milliseconds);
  }

  /** An address that may no longer be given away leaves the heap; it is put back when its reservation ends. */
  #oldest(now: number): Ipv4 | undefined {
    for (let top = this.#heap.top(); top && top.at <= now; top = this.#heap.top()) {
      if (this.#usable(top.address)) return top.address;
      this.#heap.delete(top.address);
    }
    return undefined;
  }
}
