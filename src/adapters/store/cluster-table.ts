import type { ClusterRecord } from "../../domain/cluster/cluster-record.ts";
import { ConflictError } from "../../domain/errors.ts";
import type { ClusterStore } from "../../services/store.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** The state of every cluster as a JSON document by name, each written over the revision before it. */
export function clusterTable({ database, run, transact }: SqliteConnection): ClusterStore {
  const all = database.prepare<[], { document: string }>("SELECT document FROM clusters ORDER BY name");
  const insert = database.prepare("INSERT OR IGNORE INTO clusters VALUES (@name, @revision, @document)");
  const update = database.prepare(
    "UPDATE clusters SET revision = @revision, document = @document WHERE name = @name AND revision = @revision - 1",
  );
  const remove = database.prepare<[string]>("DELETE FROM clusters WHERE name = ?");
  return {
    all: () => run(() => all.all().map(({ document }) => JSON.parse(document) as ClusterRecord)),
    put: (record) =>
      transact(() => {
        const row = { name: record.cluster, revision: record.revision, document: JSON.stringify(record) };
        const statement = record.revision === 1 ? insert : update;
        if (statement.run(row).changes === 1) return;
        throw new ConflictError(`the state of cluster ${record.cluster} was changed meanwhile`);
      }),
    remove: (cluster) => run(() => void remove.run(cluster)),
  };
}
