import type { StoredEvent } from "../../services/ports.ts";
import type { EventQuery, EventStore } from "../../services/store.ts";
import { fieldsOf, parametersOf, upsertSql } from "./rows.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

const FIELDS = [
  "id",
  "at",
  "type",
  "machine",
  "mac",
  "source",
  "level",
  "message",
  "data",
] as const satisfies readonly (keyof StoredEvent)[];

/** The timeline. Every query walks an index from one end and stops at its limit. */
export function eventTable({ database, run, transact }: SqliteConnection): EventStore {
  const put = database.prepare(upsertSql("events", FIELDS));
  const lastId = database.prepare<[], { id: number | null }>("SELECT max(id) AS id FROM events");
  const prune = database.prepare(
    "DELETE FROM events WHERE id <= (SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET ?)",
  );
  return {
    append: (events) =>
      transact(() => {
        for (const event of events) put.run(parametersOf(FIELDS, event));
      }),
    list: (query) =>
      run(() => {
        const rows = database
          .prepare(listSql(query))
          .all({ ...query })
          .map(eventOf);
        return query.after === undefined ? rows.reverse() : rows;
      }),
    lastId: () => run(() => lastId.get()?.id ?? 0),
    prune: (keep) => run(() => prune.run(keep).changes),
  };
}

function listSql(query: EventQuery): string {
  const conditions = [
    query.machine === undefined ? "" : "machine = @machine",
    query.mac === undefined ? "" : "mac = @mac",
    // The partial index on levels is only used when its own condition is spelled out.
    query.level === undefined ? "" : `level = @level${query.level === "info" ? "" : " AND level <> 'info'"}`,
    query.after === undefined ? "" : "id > @after",
    query.before === undefined ? "" : "id < @before",
  ].filter((condition) => condition !== "");
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  return `SELECT * FROM events ${where} ORDER BY id ${query.after === undefined ? "DESC" : "ASC"} LIMIT @limit`;
}

function eventOf(row: unknown): StoredEvent {
  const record = fieldsOf(row) as Omit<StoredEvent, "data"> & { readonly data?: string };
  const { data, ...event } = record;
  return data === undefined ? event : { ...event, data: JSON.parse(data) as Record<string, unknown> };
}
