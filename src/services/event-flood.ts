/** Keeps one noisy cause from pushing everything else out of the timeline. */
import type { EventInput } from "./ports.ts";

const WINDOW_MS = 60_000;
/** Entries a minute of one type about one machine or MAC. */
const PER_SUBJECT = 60;
/** Entries a minute of one type about nobody in particular, or about MACs that nobody registered. */
const PER_STRANGER = 120;
const CAUSES_KEPT = 20_000;

interface Cause {
  windowStart: number;
  count: number;
  suppressed: number;
}

/** What to do with an entry: keep it, mentioning how many like it were dropped before, or drop it. */
export type FloodDecision = { readonly keep: true; readonly suppressed: number } | { readonly keep: false };

export class EventFlood {
  readonly #causes = new Map<string, Cause>();

  /** Judges one entry at a time in milliseconds. */
  judge(event: EventInput, now: number): FloodDecision {
    // MACs are free to invent: entries about strangers share one budget.
    const known = event.machine !== undefined;
    const key = known ? `${event.type} ${event.source} ${event.machine}` : `${event.type} ${event.source}`;
    const cause = this.#causeOf(key, now);
    cause.count++;
    if (cause.count > (known ? PER_SUBJECT : PER_STRANGER)) {
      cause.suppressed++;
      return { keep: false };
    }
    const { suppressed } = cause;
    cause.suppressed = 0;
    return { keep: true, suppressed };
  }

  #causeOf(key: string, now: number): Cause {
    const found = this.#causes.get(key);
    if (found && Math.abs(now - found.windowStart) < WINDOW_MS) return found;
    const cause = { windowStart: now, count: 0, suppressed: found?.suppressed ?? 0 };
    if (!found && this.#causes.size >= CAUSES_KEPT) this.#causes.clear();
    this.#causes.set(key, cause);
    return cause;
  }
}
