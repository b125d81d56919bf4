/**
 * Tickets: the one-time credential of one installation. A ticket stands in the URL of a machine's install documents and
 * reports, belongs to one generation and has a deadline. Only its SHA-256 is stored.
 */
import { createHash, randomBytes } from "node:crypto";
import type { LifecycleState, Machine } from "../domain/machine.ts";
import { isTicket, TICKET_PREFIX } from "../domain/ticket.ts";
import type { Clock, EventSink, Log, MachineLookup, Service, TicketRecord } from "./ports.ts";
import type { Registry, RegistryChange } from "./registry.ts";
import type { TicketStore } from "./store.ts";

/** What a ticket is presented for: an install document, or a report. */
export type TicketUse = "fetch" | "report";

export type TicketRefusal = "unknown" | "expired" | "burnt" | "held" | "not-installing";

/** `reason` is for the event log; the one who presented the ticket learns no more than that it was refused. */
export type TicketCheck =
  | { readonly ok: true; readonly machine: Machine; readonly generation: number }
  | { readonly ok: false; readonly refusal: TicketRefusal; readonly reason: string };

/** For this long a late comer is told "expired" instead of "unknown". */
const KEPT_AFTER_END_MS = 7 * 86_400_000;
/** States in which tickets of the present generation still count. */
const TICKET_STATES: readonly LifecycleState[] = ["registered", "installing", "failed"];

/** Tickets in use at once in one generation: every fetch of the boot script hands out another. */
export const MAX_LIVE_TICKETS = 8;

export interface TicketsOptions {
  readonly store: TicketStore;
  readonly machines: MachineLookup & Pick<Registry, "subscribe">;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
  /** Life of a ticket in milliseconds. */
  readonly ticketLife: number;
}

export class Tickets implements Service {
  readonly #options: TicketsOptions;
  #unsubscribe: (() => void) | undefined;

  constructor(options: TicketsOptions) {
    this.#options = options;
  }

  /** Drops tickets that ran out while nobody served; from now on they are burnt when their installation ends. */
  async start(): Promise<void> {
    this.#unsubscribe ??= this.#options.machines.subscribe((change) => {
      this.#follow(change);
    });
    await this.#options.store.prune(this.#options.clock.now() - KEPT_AFTER_END_MS);
  }

  stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    return Promise.resolve();
  }

  /** A new ticket for the machine's present generation; the only copy there will ever be. */
  async issue(machine: Machine): Promise<string> {
    const { store, clock, ticketLife } = this.#options;
    const now = clock.now();
    const ticket = TICKET_PREFIX + randomBytes(24).toString("base64url");
    const record: TicketRecord = {
      hash: hashOf(ticket),
      machine: machine.name,
      generation: machine.generation,
      expiresAt: now + ticketLife,
      burnt: false,
    };
    const old = await store.forMachine(machine.name);
    await store.commit({ put: [record], remove: surplus(old, machine.generation, now) });
    return ticket;
  }

  /** Judges a presented ticket. A refusal is stored as an alarm; the ticket itself appears nowhere. */
  async resolve(ticket: string, use: { readonly for: TicketUse }): Promise<TicketCheck> {
    const record = isTicket(ticket) ? await this.#options.store.byHash(hashOf(ticket)) : undefined;
    const check = this.#judge(record, use.for);
    if (check.ok && record) await this.#noteUse(record, use.for);
    if (!check.ok) this.#raise(check, record, use.for);
    return check;
  }

  /** Ends every ticket of the machine up to and including a generation. */
  async burn(machine: string, upTo: number): Promise<void> {
    const records = await this.#options.store.forMachine(machine);
    const put = records.filter((record) => record.generation <= upTo && !record.burnt);
    await this.#options.store.commit({ put: put.map((record) => ({ ...record, burnt: true })), remove: [] });
  }

  #follow(change: RegistryChange): void {
    if (change.kind === "removed" || !change.before) return;
    const { before, machine } = change;
    const ended = TICKET_STATES.includes(before.state) && !TICKET_STATES.includes(machine.state);
    const retried = before.state === "failed" && machine.state === "registered";
    if (ended || retried) this.#end(machine.name, before.generation);
  }

  #end(machine: string, generation: number): void {
    // resolve() compares state and generation by itself, so a failure here opens nothing.
    this.burn(machine, generation).catch((error: unknown) => {
      this.#options.log.error({ err: error, machine }, "tickets of an ended installation could not be burnt");
    });
  }

  #judge(record: TicketRecord | undefined, use: TicketUse): TicketCheck {
    if (!record) return refuse("unknown", "no such ticket was ever handed out");
    const machine = this.#options.machines.byName(record.machine);
    if (!machine) return refuse("burnt", `its machine ${record.machine} is gone`);
    if (record.burnt || record.generation !== machine.generation) {
      return refuse("burnt", `it belongs to generation ${record.generation}, which has ended`);
    }
    if (record.expiresAt <= this.#options.clock.now()) return refuse("expired", "its time is up");
    const refusal = use === "fetch" ? refuseFetch(machine) : refuseReport(machine);
    return refusal ?? { ok: true, machine, generation: record.generation };
  }

  async #noteUse(record: TicketRecord, use: TicketUse): Promise<void> {
    if (record.usedAt !== undefined) return;
    const { store, clock, events } = this.#options;
    await store.commit({ put: [{ ...record, usedAt: clock.now() }], remove: [] });
    if (use !== "fetch") return;
    const { machine } = record;
    events.record({
      type: "install-document-fetched",
      machine,
      source: "http",
      message: "its installer fetched its first document",
    });
  }

  #raise(check: Extract<TicketCheck, { ok: false }>, record: TicketRecord | undefined, use: TicketUse): void {
    const action = use === "fetch" ? "fetching an install document" : "reporting";
    this.#options.events.record({
      type: "ticket-refused",
      source: "http",
      level: "alarm",
      ...(record ? { machine: record.machine } : {}),
      message: `a ticket was refused for ${action}: ${check.reason}`,
      data: { refusal: check.refusal, use },
    });
  }
}

function refuse(refusal: TicketRefusal, reason: string): Extract<TicketCheck, { ok: false }> {
  return { ok: false, refusal, reason };
}

function refuseFetch(machine: Machine): TicketCheck | undefined {
  if (machine.held !== undefined) return refuse("held", `the machine is held: ${machine.held}`);
  const slow = machine.state === "failed" && machine.failure?.cause === "silence";
  const open = machine.state === "installing" || (slow && machine.failure.from === "installing");
  if (open && !machine.installFinished) return undefined;
  return refuse("not-installing", `the machine is ${machine.state} and installs nothing now`);
}

// A report repeated after its acknowledgement was lost must be acknowledged again, until the installed system reports.
function refuseReport(machine: Machine): TicketCheck | undefined {
  if (machine.state === "installing" || machine.state === "failed") return undefined;
  return refuse("not-installing", `the machine is ${machine.state}; its installation has ended`);
}

// Tickets that were used outlive those only handed out: the running installer must not lose its own.
function surplus(records: readonly TicketRecord[], generation: number, now: number): string[] {
  const live = records.filter(
    (record) => record.generation === generation && record.expiresAt > now && !record.burnt,
  );
  const byWorth = live.toSorted((a, b) => (a.usedAt ?? 0) - (b.usedAt ?? 0) || a.expiresAt - b.expiresAt);
  return byWorth.slice(0, Math.max(0, live.length - MAX_LIVE_TICKETS + 1)).map((record) => record.hash);
}

function hashOf(ticket: string): string {
  return createHash("sha256").update(ticket).digest("hex");
}
