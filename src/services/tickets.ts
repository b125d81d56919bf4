/**
 * Tickets: the one-time credential of one installation. A ticket stands in the URL of a machine's install documents and
 * reports, belongs to one generation and has a deadline. Only its SHA-256 is stored.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Machine } from "../domain/machine.ts";
import { isTicket, TICKET_PREFIX } from "../domain/ticket.ts";
import type { Clock, EventSink, MachineLookup, TicketRecord } from "./ports.ts";
import type { TicketStore } from "./store.ts";

/** What a ticket is presented for: an install document, or a report. */
export type TicketUse = "fetch" | "report";

export type TicketRefusal = "unknown" | "expired" | "burnt" | "held" | "not-installing";

/** `reason` is for the event log; the one who presented the ticket learns no more than that it was refused. */
export type TicketCheck =
  | { readonly ok: true; readonly machine: Machine; readonly generation: number }
  | { readonly ok: false; readonly refusal: TicketRefusal; readonly reason: string };

/** Tickets in use at once in one generation: every fetch of the boot script hands out another. */
export const MAX_LIVE_TICKETS = 8;

export interface TicketsOptions {
  readonly store: TicketStore;
  readonly machines: MachineLookup;
  readonly events: EventSink;
  readonly clock: Clock;
  /** Life of a ticket in milliseconds. */
  readonly ticketLife: number;
}

export class Tickets {
  readonly #options: TicketsOptions;

  constructor(options: TicketsOptions) {
    this.#options = options;
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
    if (check.ok && record) await this.#noteUse(record);
    if (!check.ok) this.#raise(check, record, use.for);
    return check;
  }

  /** Ends every ticket of the machine up to and including a generation. */
  async burn(machine: string, upTo: number): Promise<void> {
    const records = await this.#options.store.forMachine(machine);
    const put = records.filter((record) => record.generation <= upTo && !record.burnt);
    await this.#options.store.commit({ put: put.map((record) => ({ ...record, burnt: true })), remove: [] });
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

  async #noteUse(record: TicketRecord): Promise<void> {
    if (record.usedAt !== undefined) return;
    await this.#options.store.commit({ put: [{ ...record, usedAt: this.#options.clock.now() }], remove: [] });
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
