/**
 * The appliance's whole state as one file, and its way back: database, authority and keys. Assets and the mirror's cache
 * are left out; they are fetched again.
 */
import type { Readable } from "node:stream";
import { transition } from "../domain/lifecycle.ts";
import type { LifecycleLimits } from "../domain/lifecycle-events.ts";
import type { AssetStore } from "./assets/assets.ts";
import type { BootTree } from "./assets/installer-source.ts";
import type { Clock, StoredEvent } from "./ports.ts";
import type { MachineChange, Store } from "./store.ts";

/** Packs a data directory's files around a copy of the database. */
export interface BackupArchive {
  /** `copyDatabase` writes a consistent copy to the given new file. The stream ends with the last byte of the archive. */
  pack(options: {
    readonly createdAt: number;
    readonly copyDatabase: (file: string) => Promise<void>;
  }): Promise<Readable>;
}

export interface BackupOptions {
  readonly store: Pick<Store, "backupTo">;
  readonly archive: BackupArchive;
  readonly clock: Clock;
}

/**
 * A backup taken while everything goes on.
 * @throws MusterError `unavailable` when the database cannot be copied.
 */
export async function takeBackup(
  options: BackupOptions,
): Promise<{ readonly filename: string; readonly stream: Readable }> {
  const { store, archive, clock } = options;
  const createdAt = clock.now();
  const stream = await archive.pack({ createdAt, copyDatabase: (file) => store.backupTo(file) });
  const time = new Date(createdAt).toISOString().slice(0, 19).replaceAll(":", "-");
  return { filename: `muster-${time}Z.backup`, stream };
}

/**
 * Forgets the assets of a restored store whose files are not what the backup says: they are fetched again instead of being served
 * wrong or not at all. Returns how many were forgotten.
 */
export async function forgetChangedAssets(
  store: Pick<AssetStore, "all" | "remove">,
  tree: Pick<BootTree, "hash">,
): Promise<number> {
  const changed: string[] = [];
  for (const { path, sha256 } of await store.all()) {
    if ((await tree.hash(path))?.sha256 !== sha256) changed.push(path);
  }
  await store.remove(changed);
  return changed.length;
}

export interface RestoredOptions {
  readonly store: Pick<Store, "machines" | "events">;
  readonly clock: Clock;
  readonly limits: LifecycleLimits;
  /** When the backup was taken. */
  readonly takenAt: number;
}

/**
 * Holds every machine of a restored store: what happened since the backup is unknown, and a machine that was installed
 * meanwhile must not be installed again. Returns how many are held.
 */
export async function holdRestored(options: RestoredOptions): Promise<number> {
  const { store, clock, limits } = options;
  const now = clock.now();
  const taken = new Date(options.takenAt).toISOString();
  const reason = `restored from the backup of ${taken}`;
  const changes = (await store.machines.all()).flatMap((machine): MachineChange[] => {
    const outcome = transition(machine, { type: "held", reason }, { now, limits });
    if (!outcome.ok || !outcome.changed) return [];
    return [{ kind: "save", machine: outcome.machine, previous: machine.revision }];
  });
  await store.machines.commit(changes);
  const event: StoredEvent = {
    id: (await store.events.lastId()) + 1,
    at: now,
    type: "restored",
    source: "cli",
    level: "warning",
    message: `${reason}; ${changes.length} machines are held until they are confirmed`,
  };
  await store.events.append([event]);
  return changes.length;
}
