/** Who presents a machine's client certificate, and when that certificate stops to count. */
import type { Machine } from "../domain/machine.ts";
import type { Clock, EventSink, Log, Service } from "./ports.ts";
import type { Registry, RegistryChange } from "./registry.ts";
import type { NodeIdentityRecord, NodeIdentityStore } from "./store.ts";

/** What a verified client certificate says about its holder. */
export interface PresentedCertificate {
  readonly machine: string;
  readonly generation: number;
  readonly serial: string;
  readonly keyHash: string;
  readonly expiresAt: number;
}

export type Identification =
  | { readonly kind: "node"; readonly machine: Machine; readonly generation: number }
  | { readonly kind: "refused"; readonly reason: string };

export interface NodeIdentitiesOptions {
  readonly store: NodeIdentityStore;
  readonly machines: Registry;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
}

/** A machine of an ended generation may knock for months: one alarm for each certificate in this time. */
const ALARM_GRAIN_MS = 3_600_000;
const MAX_ALARMS_KEPT = 1000;

export class NodeIdentities implements Service {
  readonly #options: NodeIdentitiesOptions;
  readonly #alarmedAt = new Map<string, number>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: NodeIdentitiesOptions) {
    this.#options = options;
  }

  /** From now on, a machine that moves to another generation or retires loses its old identities. */
  start(): Promise<void> {
    this.#unsubscribe ??= this.#options.machines.subscribe((change) => this.#follow(change));
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    return Promise.resolve();
  }

  /** Judges a client certificate that the TLS layer has verified against the authority. */
  async identify(presented: PresentedCertificate): Promise<Identification> {
    const machine = this.#options.machines.byName(presented.machine);
    if (!machine) return { kind: "refused", reason: "its machine is not registered" };
    const record = await this.#options.store.bySerial(presented.serial);
    const fault = identityFault(machine, { presented, record });
    if (fault !== undefined) {
      this.#alarm(machine.name, { serial: presented.serial, fault });
      return { kind: "refused", reason: fault };
    }
    if (!record) await this.#adopt(presented);
    return { kind: "node", machine, generation: presented.generation };
  }

  /** After a restore a machine may hold a certificate that the store has lost; the authority's signature proves it. */
  async #adopt(presented: PresentedCertificate): Promise<void> {
    const { machine, generation, keyHash, serial, expiresAt } = presented;
    await this.#options.store.put({ machine, generation, secretHashes: [], keyHash, serial, expiresAt });
  }

  #follow(change: RegistryChange): void {
    const before = change.kind === "changed" ? change.before : undefined;
    const { name, generation, state } = change.machine;
    if (change.kind === "removed" || (state === "retired" && before?.state !== "retired")) {
      this.#revoke(name, generation);
    } else if (before && before.generation < generation) this.#revoke(name, generation - 1);
  }

  #revoke(machine: string, upTo: number): void {
    const { store, clock, log } = this.#options;
    // identify() compares generations by itself, so a failure here opens nothing.
    store.revoke({ machine, upTo, at: clock.now() }).catch((error: unknown) => {
      log.error(
        { err: error, machine, upTo },
        "identities of an ended generation cannot be marked as revoked",
      );
    });
  }

  #alarm(machine: string, what: { readonly serial: string; readonly fault: string }): void {
    const now = this.#options.clock.monotonic();
    const last = this.#alarmedAt.get(what.serial);
    if (last !== undefined && now - last < ALARM_GRAIN_MS) return;
    if (this.#alarmedAt.size >= MAX_ALARMS_KEPT) this.#alarmedAt.clear();
    this.#alarmedAt.set(what.serial, now);
    this.#options.events.record({
      type: "identity-refused",
      machine,
      source: "node",
      level: "alarm",
      message: `a certificate of ${machine} was refused: ${what.fault}`,
      data: { serial: what.serial },
    });
  }
}

function identityFault(
  machine: Machine,
  found: { readonly presented: PresentedCertificate; readonly record: NodeIdentityRecord | undefined },
): string | undefined {
  const { presented, record } = found;
  if (record?.revokedAt !== undefined) return "it was revoked";
  if (record && (record.machine !== presented.machine || record.keyHash !== presented.keyHash)) {
    return "it does not belong to this key";
  }
  if (presented.generation < machine.generation)
    return `it belongs to generation ${presented.generation}, which has ended`;
  // Ahead of the registry, or unknown to it: only possible after a restore, when every machine is held.
  const ahead = presented.generation > machine.generation || !record;
  return ahead && machine.held === undefined ? "it was never issued, as far as is recorded" : undefined;
}
