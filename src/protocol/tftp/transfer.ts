/**
 * The sending side of one transfer as a state machine: no socket, no file, time passed in.
 * Blocks are counted without wrapping; the wire carries the low 16 bits (T-10).
 */
import type { TftpTerms } from "./options.ts";

/** What the owner of the socket has to do next. Block ranges are inclusive. */
export type TransferStep =
  | { readonly kind: "wait" }
  | { readonly kind: "send-oack" }
  | { readonly kind: "send"; readonly from: number; readonly to: number }
  /** The client has acknowledged the last block. */
  | { readonly kind: "complete" }
  /** Everything was sent but the last ACK never came (T-27). */
  | { readonly kind: "unconfirmed" }
  | { readonly kind: "abandoned" };

export interface TransferPolicy {
  /** First retransmission timeout in milliseconds. */
  readonly timeout: number;
  /** Milliseconds without progress after which the transfer ends. */
  readonly abandonAfter: number;
}

/** Retransmissions before the first ACK: what a spoofed source address can make us send (T-28). */
const UNPROVEN_RETRIES = 3;
/** Repetitions of the last window: a client that has everything is often gone before its last ACK arrives. */
const LAST_WINDOW_RETRIES = 6;
/** No measured timeout is shorter, so that a client busy writing flash is not sent everything twice. */
const MIN_TIMEOUT = 200;
const MAX_TIMEOUT = 8000;

const WAIT: TransferStep = { kind: "wait" };

export class Transfer {
  /** Number of the last block, which is shorter than the others and may be empty. */
  readonly lastBlock: number;
  readonly #terms: TftpTerms;
  readonly #policy: TransferPolicy;
  #acked = 0;
  #sent = 0;
  /** Last block of a window that was repeated: up to here two copies may be under way. */
  #repeatedTo = 0;
  #proven = false;
  #retries = 0;
  #timeout: number;
  #deadline = 0;
  #progressAt: number;
  #sentAt = 0;
  #roundTrip = 0;
  #retransmissions = 0;

  constructor(options: { size: number; terms: TftpTerms; policy: TransferPolicy; now: number }) {
    this.#terms = options.terms;
    this.#policy = options.policy;
    this.#timeout = options.terms.timeout ?? options.policy.timeout;
    this.#progressAt = options.now;
    this.lastBlock = Math.floor(options.size / options.terms.blksize) + 1;
  }

  /** When {@link elapse} is due, in the milliseconds of the caller's clock. */
  get deadline(): number {
    return this.#deadline;
  }

  /** Blocks acknowledged so far. */
  get acked(): number {
    return this.#acked;
  }

  /** When the client last acknowledged something new, or the start. */
  get progressAt(): number {
    return this.#progressAt;
  }

  /** Repetitions of an OACK or of a window. */
  get retransmissions(): number {
    return this.#retransmissions;
  }

  /** Whether the client has answered from the address the request claimed to come from. */
  get proven(): boolean {
    return this.#proven;
  }

  /** The answer to the request; also to its repetition before the first ACK (T-19). */
  begin(now: number): TransferStep {
    this.#arm(now);
    if (this.#terms.acknowledged.length > 0) return { kind: "send-oack" };
    return this.#window(now);
  }

  /**
   * Takes an ACK by its 16-bit block number. An ACK of what is already acknowledged, or of what was never sent,
   * changes nothing and sends nothing: repeating data for it is the Sorcerer's Apprentice (T-08, T-09). An ACK inside the
   * window means that the rest of it was lost, and the next window begins after it (RFC 7440 section 4).
   */
  acknowledge(block: number, now: number): TransferStep {
    if (!this.#proven) {
      if (this.#sent === 0 && block !== 0) return WAIT;
      if (this.#sent === 0) return this.#firstWindow(now);
    }
    const advance = (block - this.#acked) & 0xffff;
    if (advance === 0 || advance > this.#sent - this.#acked) return WAIT;
    this.#measure(now);
    this.#proven = true;
    this.#acked += advance;
    this.#progress(now);
    return this.#acked >= this.lastBlock ? { kind: "complete" } : this.#window(now);
  }

  /** To be called at {@link deadline}: repeats what was not acknowledged, or gives up. */
  elapse(now: number): TransferStep {
    if (now < this.#deadline) return WAIT;
    const step = this.#givenUp(now);
    if (step) return step;
    this.#retries += 1;
    this.#retransmissions += 1;
    this.#roundTrip = 0;
    this.#sentAt = 0;
    this.#timeout = Math.min(this.#timeout * 2, Math.max(MAX_TIMEOUT, this.#terms.timeout ?? 0));
    this.#repeatedTo = this.#sent;
    this.#arm(now);
    if (this.#sent === 0) return { kind: "send-oack" };
    return { kind: "send", from: this.#acked + 1, to: this.#sent };
  }

  #firstWindow(now: number): TransferStep {
    this.#proven = true;
    this.#progress(now);
    return this.#window(now);
  }

  #givenUp(now: number): TransferStep | undefined {
    if (!this.#proven) return this.#retries < UNPROVEN_RETRIES ? undefined : { kind: "abandoned" };
    const last = this.#sent === this.lastBlock;
    if (last && this.#retries >= LAST_WINDOW_RETRIES) return { kind: "unconfirmed" };
    if (now - this.#progressAt < this.#policy.abandonAfter) return undefined;
    return { kind: last ? "unconfirmed" : "abandoned" };
  }

  /**
   * A client that acknowledges what it has when it sees a block again does so in the middle of a repeated window, whose rest is on
   * its way already. Sending that once more would bring the next such ACK, and every window from then on twice: only what was
   * never sent follows.
   */
  #window(now: number): TransferStep {
    const from = (this.#acked <= this.#repeatedTo ? this.#sent : this.#acked) + 1;
    this.#sent = Math.min(this.#acked + this.#terms.windowsize, this.lastBlock);
    this.#sentAt = now;
    return from > this.#sent ? WAIT : { kind: "send", from, to: this.#sent };
  }

  #progress(now: number): void {
    this.#progressAt = now;
    this.#retries = 0;
    this.#timeout = this.#freshTimeout();
    this.#arm(now);
  }

  /** The client's own timeout is kept (T-05); otherwise four measured round trips, within bounds. */
  #freshTimeout(): number {
    if (this.#terms.timeout !== undefined) return this.#terms.timeout;
    if (this.#roundTrip === 0) return this.#policy.timeout;
    return Math.min(Math.max(4 * this.#roundTrip, MIN_TIMEOUT), MAX_TIMEOUT);
  }

  /** Smoothed round trip; windows that were repeated do not count (Karn). */
  #measure(now: number): void {
    if (this.#sentAt === 0) return;
    const sample = Math.max(now - this.#sentAt, 0.1);
    this.#roundTrip = this.#roundTrip === 0 ? sample : 0.875 * this.#roundTrip + 0.125 * sample;
  }

  #arm(now: number): void {
    this.#deadline = now + this.#timeout;
  }
}
