/** Waiting between two questions to a cluster. */
import type { Timers } from "../timers.ts";

/** Resolves after so many milliseconds, or at once when the appliance stops. */
export function pause(
  milliseconds: number,
  { timers, stopping }: { readonly timers: Timers; readonly stopping: AbortSignal },
): Promise<void> {
  if (stopping.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const callOff = timers.after(milliseconds, () => {
      stopping.removeEventListener("abort", end);
      resolve();
    });
    const end = (): void => {
      callOff();
      resolve();
    };
    stopping.addEventListener("abort", end, { once: true });
  });
}
