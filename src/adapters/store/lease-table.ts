import type { LeaseRecord, LeaseStore } from "../../services/ports.ts";
import { fieldsOf, parametersOf, upsertSql } from "./rows.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

const FIELDS = [
  "address",
  "client",
  "mac",
  "clientId",
  "hostname",
  "state",
  "startsAt",
  "expiresAt",
  "giaddr",
  "circuitId",
] as const satisfies readonly (keyof LeaseRecord)[];

/** DHCP leases, by address. One commit per batch of replies: its one sync to disk is what a batch costs. */
export function leaseTable({ database, run, transact }: SqliteConnection): LeaseStore {
  const all = database.prepare("SELECT * FROM leases");
  const put = database.prepare(upsertSql("leases", FIELDS));
  return {
    all: () => run(() => all.all().map((row) => fieldsOf(row) as LeaseRecord)),
    commit: (records) =>
      transact(() => {
        for (const record of records) put.run(parametersOf(FIELDS, record));
      }),
  };
}
