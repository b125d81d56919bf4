import type { TokenRecord } from "../../services/ports.ts";
import type { TokenStore } from "../../services/store.ts";
import { fieldsOf, parametersOf, upsertSql } from "./rows.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

const FIELDS = [
  "id",
  "name",
  "role",
  "hash",
  "createdAt",
  "expiresAt",
  "lastUsedAt",
  "revokedAt",
] as const satisfies readonly (keyof TokenRecord)[];

/** API tokens by id. */
export function tokenTable({ database, run }: SqliteConnection): TokenStore {
  const all = database.prepare("SELECT * FROM tokens ORDER BY createdAt, id");
  const put = database.prepare(upsertSql("tokens", FIELDS));
  return {
    all: () => run(() => all.all().map((row) => fieldsOf(row) as TokenRecord)),
    put: (token) => run(() => void put.run(parametersOf(FIELDS, token))),
  };
}
