/** Long poll: an answer as soon as a machine is where the caller wants it. */
import type { LifecycleState, Machine } from "../../domain/machine.ts";
import type { Registry } from "../../services/registry.ts";

/** States that a waiting caller must hear of at once: what it waits for will not come by itself. */
const DEAD_ENDS: ReadonlySet<LifecycleState> = new Set(["failed", "retired"]);

/**
 * The machine once it is in the state, has failed, was retired, or the signal ended the wait; as it is then.
 * Undefined when no machine has the name, or it was removed meanwhile.
 */
export function waitForState(
  machines: Pick<Registry, "byName" | "subscribe">,
  wanted: { readonly name: string; readonly state: LifecycleState; readonly signal: AbortSignal },
): Promise<Machine | undefined> {
  const { name, state, signal } = wanted;
  const arrived = (machine: Machine): boolean => machine.state === state || DEAD_ENDS.has(machine.state);
  const now = machines.byName(name);
  if (!now || arrived(now) || signal.aborted) return Promise.resolve(now);
  return new Promise((resolve) => {
    const finish = (): void => {
      unsubscribe();
      signal.removeEventListener("abort", finish);
      resolve(machines.byName(name));
    };
    const unsubscribe = machines.subscribe((change) => {
      if (change.machine.name === name && (change.kind === "removed" || arrived(change.machine))) finish();
    });
    signal.addEventListener("abort", finish, { once: true });
  });
}
