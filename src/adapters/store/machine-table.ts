import { ConflictError } from "../../domain/errors.ts";
import type { Machine } from "../../domain/machine.ts";
import type { MachineChange, MachineStore, ResourceChange } from "../../services/store.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/**
 * Machines as one JSON document each: they are searched in memory only.
 * @param applyResource one change to the resource documents, inside the transaction of the machines.
 */
export function machineTable(
  { database, run, transact }: SqliteConnection,
  applyResource: (change: ResourceChange) => void,
): MachineStore {
  const all = database.prepare<[], { document: string }>("SELECT document FROM machines ORDER BY name");
  const insert = database.prepare("INSERT INTO machines VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING");
  const update = database.prepare(
    "UPDATE machines SET revision = ?, document = ? WHERE name = ? AND revision = ?",
  );
  const remove = database.prepare("DELETE FROM machines WHERE name = ?");
  const removeLog = database.prepare("DELETE FROM installerLog WHERE machine = ?");

  const save = (machine: Machine, previous: number | undefined): void => {
    const { name, revision } = machine;
    const document = JSON.stringify(machine);
    const { changes } =
      previous === undefined
        ? insert.run(name, revision, document)
        : update.run(revision, document, name, previous);
    if (changes === 0) throw new ConflictError(`machine ${name} was changed meanwhile`);
  };
  const apply = (change: MachineChange): void => {
    if (change.kind === "save") {
      save(change.machine, change.previous);
      return;
    }
    remove.run(change.name);
    removeLog.run(change.name);
  };

  return {
    all: () => run(() => all.all().map(({ document }) => JSON.parse(document) as Machine)),
    commit: (changes, resources = []) =>
      transact(() => {
        changes.forEach(apply);
        resources.forEach(applyResource);
      }),
  };
}
