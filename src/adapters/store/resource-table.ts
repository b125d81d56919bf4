import type { StoredResource } from "../../domain/cluster/resource.ts";
import { ConflictError } from "../../domain/errors.ts";
import type { ResourceChange, ResourceStore } from "../../services/store.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** Resource documents as JSON by kind and name; `apply` is for use inside a transaction. */
export interface ResourceTable extends ResourceStore {
  apply(change: ResourceChange): void;
}

export function resourceTable({ database, run }: SqliteConnection): ResourceTable {
  const all = database.prepare<[], { document: string }>(
    "SELECT document FROM resources ORDER BY kind, name",
  );
  const insert = database.prepare(
    "INSERT INTO resources VALUES (?, ?, ?, ?) ON CONFLICT (kind, name) DO NOTHING",
  );
  const update = database.prepare(
    "UPDATE resources SET revision = ?, document = ? WHERE kind = ? AND name = ? AND revision = ?",
  );
  const remove = database.prepare("DELETE FROM resources WHERE kind = ? AND name = ?");
  const save = (resource: StoredResource, previous: number | undefined): void => {
    const { kind, name, revision } = resource;
    const document = JSON.stringify(resource);
    const { changes } =
      previous === undefined
        ? insert.run(kind, name, revision, document)
        : update.run(revision, document, kind, name, previous);
    if (changes === 0) throw new ConflictError(`${kind} ${name} was changed meanwhile`);
  };
  return {
    all: () => run(() => all.all().map(({ document }) => JSON.parse(document) as StoredResource)),
    apply: (change) => {
      if (change.kind === "save") save(change.resource, change.previous);
      else remove.run(change.resource.kind, change.resource.name);
    },
  };
}
