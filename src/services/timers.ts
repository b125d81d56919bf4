/** One-shot timers; a port, so that tests move time by hand. */
export interface Timers {
  /** Runs `run` once after `delay` milliseconds; returns the function that calls it off. */
  after(delay: number, run: () => void): () => void;
}
