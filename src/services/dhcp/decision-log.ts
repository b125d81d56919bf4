/** The last decisions about each client, bounded, for `muster diagnose`. */
import type { DecisionTrace } from "./dhcp-service.ts";
import { RecentKeys } from "./recent-keys.ts";

const PER_CLIENT = 16;
/** Strangers push each other out, never a registered machine. */
const STRANGERS = 2_000;
const MACHINES = 10_000;

export class DecisionLog {
  readonly #machines = new RecentKeys<DecisionTrace[]>(MACHINES);
  readonly #strangers = new RecentKeys<DecisionTrace[]>(STRANGERS);

  note(trace: DecisionTrace): void {
    const rings = trace.machine === undefined ? this.#strangers : this.#machines;
    const ring = rings.get(trace.client);
    if (!ring) {
      rings.set(trace.client, [trace]);
      return;
    }
    if (ring.length >= PER_CLIENT) ring.shift();
    ring.push(trace);
  }

  /** Oldest first; decisions from before its registration included. */
  of(client: string): readonly DecisionTrace[] {
    return [...(this.#strangers.get(client) ?? []), ...(this.#machines.get(client) ?? [])];
  }

  /** Clients on record. */
  get clients(): number {
    return this.#machines.size + this.#strangers.size;
  }
}
