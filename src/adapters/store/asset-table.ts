import type { AssetStore } from "../../services/assets/assets.ts";
import type { AssetRecord } from "../../services/ports.ts";
import { fieldsOf, parametersOf, upsertSql } from "./rows.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

const FIELDS = [
  "path",
  "os",
  "architecture",
  "name",
  "version",
  "sha256",
  "bytes",
  "fetchedAt",
] as const satisfies readonly (keyof AssetRecord)[];

/** Boot assets by path. */
export function assetTable({ database, run, transact }: SqliteConnection): AssetStore {
  const all = database.prepare("SELECT * FROM assets ORDER BY path");
  const put = database.prepare(upsertSql("assets", FIELDS));
  const remove = database.prepare<[string]>("DELETE FROM assets WHERE path = ?");
  return {
    all: () => run(() => all.all().map((row) => fieldsOf(row) as AssetRecord)),
    put: (records) =>
      transact(() => {
        for (const record of records) put.run(parametersOf(FIELDS, record));
      }),
    remove: (paths) =>
      transact(() => {
        for (const path of paths) remove.run(path);
      }),
  };
}
