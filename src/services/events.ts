/** The timeline: entries get a number and a time, are heard at once, and stored soon. */
import { maskTickets } from "../domain/ticket.ts";
import { EventFlood } from "./event-flood.ts";
import type { Clock, EventInput, EventSink, Log, Service, StoredEvent } from "./ports.ts";
import type { EventQuery, EventStore } from "./store.ts";
import type { Timers } from "./timers.ts";
import { WriteBehind } from "./write-behind.ts";

export interface EventsOptions {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Entries kept in the store; 100,000 when left out. */
  readonly keep?: number;
}

/** Entries kept in memory, to answer from while the store is broken. */
const RECENT_KEPT = 2_000;
const WAITING_KEPT = 20_000;
const DELAY_MS = 100;

export class Events implements EventSink, Service {
  readonly #options: EventsOptions;
  readonly #flood = new EventFlood();
  readonly #queue: WriteBehind<StoredEvent>;
  readonly #listeners = new Set<(event: StoredEvent) => void>();
  /** What was recorded before the store told the last number. */
  #early: { readonly event: EventInput; readonly at: number }[] = [];
  #recent: StoredEvent[] = [];
  #lastId: number | undefined;
  #sincePrune = 0;

  constructor(options: EventsOptions) {
    this.#options = options;
    this.#queue = new WriteBehind<StoredEvent>({
      write: (events) => this.#write(events),
      what: "events",
      timers: options.timers,
      log: options.log,
      delay: DELAY_MS,
      capacity: WAITING_KEPT,
    });
  }

  async start(): Promise<void> {
    if (this.#lastId !== undefined) return;
    this.#lastId = await this.#options.store.lastId();
    const early = this.#early;
    this.#early = [];
    for (const { event, at } of early) this.#keep(event, at);
  }

  async stop(): Promise<void> {
    await this.#queue.flush();
  }

  record(event: EventInput): void {
    const at = this.#options.clock.now();
    if (this.#lastId !== undefined) this.#keep(event, at);
    else if (this.#early.length < WAITING_KEPT) this.#early.push({ event, at });
  }

  /** Matching entries, oldest first; from memory, and so only recent ones, while the store is broken. */
  async list(query: EventQuery): Promise<readonly StoredEvent[]> {
    await this.#queue.flush();
    try {
      return await this.#options.store.list(query);
    } catch (error) {
      this.#options.log.warn({ err: error }, "the timeline is answered from memory");
      return selectEvents(this.#recent, query);
    }
  }

  /** Calls the listener with every new entry; returns the function that ends it. */
  subscribe(listener: (event: StoredEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #keep(input: EventInput, at: number): void {
    const decision = this.#flood.judge(input, at);
    if (!decision.keep) return;
    this.#lastId = (this.#lastId ?? 0) + 1;
    const event = stored(input, { id: this.#lastId, at, suppressed: decision.suppressed });
    this.#recent.push(event);
    if (this.#recent.length > 2 * RECENT_KEPT) this.#recent = this.#recent.slice(-RECENT_KEPT);
    this.#queue.add(event);
    this.#tell(event);
  }

  #tell(event: StoredEvent): void {
    const { id, type, machine, mac, source, level, message } = event;
    const fields = { event: id, type, machine, mac, source, severity: level };
    if (level === "info") this.#options.log.info(fields, message);
    else this.#options.log.warn(fields, message);
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#options.log.error({ err: error }, "a listener of the timeline failed");
      }
    }
  }

  async #write(events: readonly StoredEvent[]): Promise<void> {
    const { store, keep = 100_000 } = this.#options;
    await store.append(events);
    this.#sincePrune += events.length;
    // Counting every time would cost more than the few entries too many.
    if (this.#sincePrune < keep / 100) return;
    this.#sincePrune = 0;
    await store.prune(keep);
  }
}

/** The entries that a query asks for, of a list that is ordered by number. */
export function selectEvents(events: readonly StoredEvent[], query: EventQuery): readonly StoredEvent[] {
  const { machine, mac, level, after = 0, before = Number.POSITIVE_INFINITY, limit } = query;
  const found = events.filter(
    (event) =>
      event.id > after &&
      event.id < before &&
      (machine === undefined || event.machine === machine) &&
      (mac === undefined || event.mac === mac) &&
      (level === undefined || event.level === level),
  );
  return query.after === undefined ? found.slice(-limit) : found.slice(0, limit);
}

function stored(
  input: EventInput,
  given: { readonly id: number; readonly at: number; readonly suppressed: number },
): StoredEvent {
  const { id, at, suppressed } = given;
  const message = maskTickets(input.message) + (suppressed > 0 ? ` (and ${suppressed} like it)` : "");
  const masked =
    input.data && (JSON.parse(maskTickets(JSON.stringify(input.data))) as Record<string, unknown>);
  return { ...input, id, at, level: input.level ?? "info", message, ...(masked ? { data: masked } : {}) };
}
