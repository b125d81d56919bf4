/** Time as the host tells it. */
import type { Clock } from "../../services/ports.ts";
import type { Timers } from "../../services/timers.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

export const systemTimers: Timers = {
  after(delay, run) {
    const timer = setTimeout(run, delay);
    return () => clearTimeout(timer);
  },
};
