import type { EventInput, EventSink } from "../../src/services/ports.ts";

/** An event sink that keeps what it was told. */
export class KeptEvents implements EventSink {
  readonly events: EventInput[] = [];

  record(event: EventInput): void {
    this.events.push(event);
  }

  /** Types so far, in order. */
  get types(): readonly string[] {
    return this.events.map(({ type }) => type);
  }

  /** Events of one type. */
  ofType(type: string): readonly EventInput[] {
    return this.events.filter((event) => event.type === type);
  }
}
