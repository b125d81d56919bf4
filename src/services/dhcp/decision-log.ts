/** The last decisions about each client, bounded, for `muster diagnose`. */
import type { DecisionTrace } from "./dhcp-service.ts";

const PER_CLIENT = 16;
/** Strangers push each other out, never a registered machine. */
const MAX_STRANGERS = 2_000;
const MAX_MACHINES = 20_000;

export class DecisionLog {
  readonly #machines = new Map<string, DecisionTrace[]>();
  readonly #strangers = new Map<string, DecisionTrace[]>();

  note(trace: DecisionTrace): void {
    if (trace.machine !== undefined) keep(this.#machines, trace, MAX_MACHINES);
    else keep(this.#strangers, trace, MAX_STRANGERS);
  }

  /** Oldest first; decisions from before its registration included. */
  of(client: string): readonly DecisionTrace[] {
    return [...(this.#strangers.get(client) ?? []), ...(this.#machines.get(client) ?? [])];
  }

  get clients(): number {
    return this.#machines.size + this.#strangers.size;
  }
}

function keep(rings: Map<string, DecisionTrace[]>, trace: DecisionTrace, limit: number): void {
  const ring = rings.get(trace.client);
  if (ring) {
    if (ring.length >= PER_CLIENT) ring.shift();
    ring.push(trace);
    return;
  }
  if (rings.size >= limit) {
    const oldest = rings.keys().next();
    if (oldest.done !== true) rings.delete(oldest.value);
  }
  rings.set(trace.client, [trace]);
}
