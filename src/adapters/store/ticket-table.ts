import type { TicketRecord } from "../../services/ports.ts";
import type { TicketStore } from "../../services/store.ts";
import { fieldsOf, parametersOf, upsertSql } from "./rows.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

const FIELDS = [
  "hash",
  "machine",
  "generation",
  "expiresAt",
  "burnt",
  "usedAt",
] as const satisfies readonly (keyof TicketRecord)[];

/** Tickets by hash; they go with their machine. */
export function ticketTable({ database, run, transact }: SqliteConnection): TicketStore {
  const byHash = database.prepare<[string]>("SELECT * FROM tickets WHERE hash = ?");
  const forMachine = database.prepare<[string]>("SELECT * FROM tickets WHERE machine = ?");
  const put = database.prepare(upsertSql("tickets", FIELDS));
  const remove = database.prepare<[string]>("DELETE FROM tickets WHERE hash = ?");
  const prune = database.prepare<[number]>("DELETE FROM tickets WHERE expiresAt < ?");
  return {
    byHash: (hash) =>
      run(() => {
        const row = byHash.get(hash);
        return row === undefined ? undefined : ticketOf(row);
      }),
    forMachine: (machine) => run(() => forMachine.all(machine).map(ticketOf)),
    commit: (changes) =>
      transact(() => {
        for (const hash of changes.remove) remove.run(hash);
        for (const ticket of changes.put) put.run(parametersOf(FIELDS, ticket));
      }),
    prune: (time) => run(() => prune.run(time).changes),
  };
}

function ticketOf(row: unknown): TicketRecord {
  const record = fieldsOf(row) as Omit<TicketRecord, "burnt"> & { readonly burnt: number };
  return { ...record, burnt: record.burnt === 1 };
}
