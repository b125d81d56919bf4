/** Addresses ordered by the time from which they are free; an address is in it at most once. */
import type { Ipv4 } from "../../net/ipv4.ts";

/** Binary heap with positions: `set`, `delete` and `pop` cost a logarithm of the size, `top` nothing. */
export class AddressHeap {
  readonly #addresses: Ipv4[] = [];
  readonly #times: number[] = [];
  readonly #positions = new Map<Ipv4, number>();

  get size(): number {
    return this.#addresses.length;
  }

  /** The address that is free first, and when. */
  top(): { readonly address: Ipv4; readonly at: number } | undefined {
    const [address] = this.#addresses;
    const [at] = this.#times;
    return address === undefined || at === undefined ? undefined : { address, at };
  }

  /** Puts an address in, or moves it to another time. */
  set(address: Ipv4, at: number): void {
    const position = this.#positions.get(address);
    if (position === undefined) {
      this.#addresses.push(address);
      this.#times.push(at);
      this.#positions.set(address, this.#addresses.length - 1);
      this.#rise(this.#addresses.length - 1);
      return;
    }
    this.#times[position] = at;
    this.#sink(this.#rise(position));
  }

  delete(address: Ipv4): void {
    const position = this.#positions.get(address);
    if (position === undefined) return;
    const last = this.#addresses.length - 1;
    this.#swap(position, last);
    this.#addresses.pop();
    this.#times.pop();
    this.#positions.delete(address);
    if (position < last) this.#sink(this.#rise(position));
  }

  /** Moves every time by so many milliseconds; the order stays. Times of 0 mean "always" and stay too. */
  shift(milliseconds: number): void {
    for (let index = 0; index < this.#times.length; index++) {
      const at = this.#times[index];
      if (at !== undefined && at !== 0) this.#times[index] = Math.max(1, at + milliseconds);
    }
  }

  #rise(from: number): number {
    let position = from;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      if (this.#timeAt(parent) <= this.#timeAt(position)) break;
      this.#swap(position, parent);
      position = parent;
    }
    return position;
  }

  #sink(from: number): void {
    let position = from;
    for (;;) {
      const left = 2 * position + 1;
      const right = left + 1;
      let least = position;
      if (this.#timeAt(left) < this.#timeAt(least)) least = left;
      if (this.#timeAt(right) < this.#timeAt(least)) least = right;
      if (least === position) return;
      this.#swap(position, least);
      position = least;
    }
  }

  #timeAt(position: number): number {
    return this.#times[position] ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [addressA, addressB] = [this.#addresses[a], this.#addresses[b]];
    const [timeA, timeB] = [this.#times[a], this.#times[b]];
    if (addressA === undefined || addressB === undefined || timeA === undefined || timeB === undefined)
      return;
    this.#addresses[a] = addressB;
    this.#addresses[b] = addressA;
    this.#times[a] = timeB;
    this.#times[b] = timeA;
    this.#positions.set(addressB, a);
    this.#positions.set(addressA, b);
  }
}
