/** Keeps a flood of datagrams from becoming a flood of log lines (D-98). */

/** Lines a second on average, and at once. */
const PER_SECOND = 20;
const BURST = 200;

/** A token bucket for log lines; time in milliseconds is passed in. */
export class LogBudget {
  #tokens = BURST;
  #at = 0;
  #suppressed = 0;

  /** Writes a line when the budget allows; `suppressed` is how many were left out before it. */
  spend(now: number, write: (suppressed: { readonly suppressed?: number }) => void): void {
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#at) / 1000) * PER_SECOND);
    this.#at = now;
    if (this.#tokens < 1) {
      this.#suppressed += 1;
      return;
    }
    this.#tokens -= 1;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    write(suppressed > 0 ? { suppressed } : {});
  }
}
