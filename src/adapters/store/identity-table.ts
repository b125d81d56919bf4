import type { NodeIdentityRecord, NodeIdentityStore } from "../../services/store.ts";
import { fieldsOf, parametersOf, upsertSql } from "./rows.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

const FIELDS = [
  "machine",
  "generation",
  "secretHashes",
  "keyHash",
  "serial",
  "certificate",
  "enrolledAt",
  "expiresAt",
  "confirmedAt",
  "revokedAt",
] as const satisfies readonly (keyof NodeIdentityRecord)[];

/** Identities of installed machines by (machine, generation); they go with their machine. */
export function identityTable({ database, run }: SqliteConnection): NodeIdentityStore {
  const select = (condition: string) =>
    database.prepare(`SELECT * FROM identities WHERE ${condition} ORDER BY generation`);
  const byKey = select("machine = ? AND generation = ?");
  const forMachine = select("machine = ?");
  const byKeyHash = select("keyHash = ?");
  const bySerial = select("serial = ?");
  const put = database.prepare(upsertSql("identities", FIELDS, 2));
  const revoke = database.prepare(
    "UPDATE identities SET revokedAt = @at WHERE machine = @machine AND generation <= @upTo AND revokedAt IS NULL",
  );
  return {
    get: (machine, generation) => run(() => identityOf(byKey.get(machine, generation))),
    forMachine: (machine) => run(() => forMachine.all(machine).flatMap((row) => identityOf(row) ?? [])),
    byKeyHash: (keyHash) => run(() => identityOf(byKeyHash.get(keyHash))),
    bySerial: (serial) => run(() => identityOf(bySerial.get(serial))),
    put: (record) => run(() => void put.run(parametersOf(FIELDS, record))),
    revoke: (identity) => run(() => void revoke.run({ ...identity })),
  };
}

function identityOf(row: unknown): NodeIdentityRecord | undefined {
  if (row === undefined) return undefined;
  const record = fieldsOf(row) as Omit<NodeIdentityRecord, "secretHashes"> & { secretHashes: string };
  return { ...record, secretHashes: JSON.parse(record.secretHashes) as string[] };
}
