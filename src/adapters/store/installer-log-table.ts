import type { LogLine } from "../../services/ports.ts";
import type { InstallerLogStore, LogQuery } from "../../services/store.ts";
import { fieldsOf, parametersOf, upsertSql } from "./rows.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

const FIELDS = [
  "id",
  "machine",
  "generation",
  "at",
  "program",
  "text",
] as const satisfies readonly (keyof LogLine)[];

/** Lines of the installers' logs, by machine. */
export function installerLogTable({ database, run, transact }: SqliteConnection): InstallerLogStore {
  const put = database.prepare(upsertSql("installerLog", FIELDS));
  const lastId = database.prepare<[], { id: number | null }>("SELECT max(id) AS id FROM installerLog");
  const prune = database.prepare(
    `DELETE FROM installerLog WHERE machine = @machine AND generation = @generation AND id <= (
       SELECT id FROM installerLog WHERE machine = @machine AND generation = @generation
       ORDER BY id DESC LIMIT 1 OFFSET @keep)`,
  );
  const dropBefore = database.prepare(
    "DELETE FROM installerLog WHERE machine = @machine AND generation < @generation",
  );
  return {
    append: (lines) =>
      transact(() => {
        for (const line of lines) put.run(parametersOf(FIELDS, line));
      }),
    list: (query) =>
      run(() => {
        const rows = database.prepare(listSql(query)).all({ ...query });
        const lines = rows.map((row) => fieldsOf(row) as LogLine);
        return query.after === undefined ? lines.reverse() : lines;
      }),
    lastId: () => run(() => lastId.get()?.id ?? 0),
    prune: (bounds) => run(() => prune.run({ ...bounds }).changes),
    dropBefore: (bounds) => run(() => dropBefore.run({ ...bounds }).changes),
  };
}

function listSql(query: LogQuery): string {
  const generation = query.generation === undefined ? "" : "AND generation = @generation";
  const after = query.after === undefined ? "" : "AND id > @after";
  const order = query.after === undefined ? "DESC" : "ASC";
  return `SELECT * FROM installerLog WHERE machine = @machine ${generation} ${after} ORDER BY id ${order} LIMIT @limit`;
}
