/** Puts a backup back in place of a data directory's state. The appliance does not run meanwhile. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { access, type FileHandle, mkdir, mkdtemp, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ConflictError, MusterError } from "../../domain/errors.ts";
import type { LifecycleLimits } from "../../domain/lifecycle-events.ts";
import { forgetChangedAssets, holdRestored } from "../../services/backup.ts";
import type { Clock } from "../../services/ports.ts";
import { createBootTree } from "../assets/boot-tree.ts";
import { isHeldElsewhere } from "../store/sqlite-errors.ts";
import { openSqliteStore } from "../store/sqlite-store.ts";
import {
  ADMIN_TOKEN,
  type BackupManifest,
  COMPONENT_LOCK,
  DATABASE,
  MANIFEST,
  manifestSchema,
  PKI,
} from "./manifest.ts";
import { readTar, type TarEntry } from "./tar.ts";

export interface RestoreOptions {
  readonly file: string;
  readonly dataDir: string;
  /** The directory of the boot files. */
  readonly assetsDirectory: string;
  readonly clock: Clock;
  readonly limits: LifecycleLimits;
  /** Put the present state aside instead of refusing. */
  readonly replace: boolean;
}

export interface RestoreReport {
  readonly takenAt: number;
  /** Machines that wait for their confirmation. */
  readonly held: number;
  /** Assets of the backup whose files are not here as it knew them: fetched again when they are needed. */
  readonly assetsToFetch: number;
  /** Where the state that was there before lies now. */
  readonly putAside: string | undefined;
}

const LARGEST_MANIFEST = 1_000_000;

/**
 * Checks the whole backup first, then swaps it in; every machine in it is held.
 * @throws MusterError `not-verified` for a file that is damaged or no backup, ConflictError when there is state already
 * and `replace` is not set, `unavailable` while an appliance serves from this directory.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { file, dataDir } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const present = await exists(path.join(dataDir, DATABASE));
  if (present) await refuseInUse(options);
  const work = await mkdtemp(path.join(dataDir, "restore-"));
  try {
    const manifest = await unpack(file, work);
    const { held, assetsToFetch } = await adapt(work, manifest, options);
    const putAside = await swapIn({ dataDir, work, manifest, at: options.clock.now() });
    return { takenAt: manifest.createdAt, held, assetsToFetch, putAside };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function refuseInUse({ dataDir, replace }: RestoreOptions): Promise<void> {
  if (!replace) {
    throw new ConflictError(
      `${dataDir} holds the state of an appliance already; --replace puts it aside first`,
    );
  }
  // Opening takes the lock that a serving appliance holds; a damaged database is what a restore is for.
  try {
    await openSqliteStore({ file: path.join(dataDir, DATABASE) }).close();
  } catch (error) {
    if (isHeldElsewhere(error)) throw error;
  }
}

async function unpack(file: string, work: string): Promise<BackupManifest> {
  const handle = await open(file, "r");
  try {
    const entries = await readTar(handle);
    const manifest = await readManifest(handle, entries);
    await mkdir(path.join(work, PKI), { mode: 0o700 });
    for (const listed of manifest.files) {
      const entry = entries.find(({ name, size }) => name === listed.name && size === listed.size);
      if (!entry)
        throw new MusterError("not-verified", `this is no usable backup: ${listed.name} is missing`);
      await extract({ file, entry, target: path.join(work, listed.name), sha256: listed.sha256 });
    }
    return manifest;
  } finally {
    await handle.close();
  }
}

async function readManifest(handle: FileHandle, entries: readonly TarEntry[]): Promise<BackupManifest> {
  const [first] = entries;
  if (first?.name !== MANIFEST || first.size > LARGEST_MANIFEST) {
    throw new MusterError(
      "not-verified",
      "this is no usable backup: it does not begin with its list of files",
    );
  }
  const bytes = Buffer.alloc(first.size);
  await handle.read(bytes, 0, first.size, first.offset);
  const parsed = manifestSchema.safeParse(jsonOf(bytes));
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues[0]?.message ?? "its list of files cannot be read";
  throw new MusterError("not-verified", `this is no usable backup: ${why}`);
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

async function extract(options: {
  readonly file: string;
  readonly entry: TarEntry;
  readonly target: string;
  readonly sha256: string;
}): Promise<void> {
  const { file, entry, target, sha256 } = options;
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(undefined, chunk);
    },
  });
  const { offset, size } = entry;
  const bytes =
    size === 0 ? Readable.from([]) : createReadStream(file, { start: offset, end: offset + size - 1 });
  await pipeline(bytes, hashing, createWriteStream(target, { mode: 0o600, flush: true }));
  if (hash.digest("hex") === sha256) return;
  throw new MusterError("not-verified", `this is no usable backup: ${entry.name} does not fit its checksum`);
}

/** Makes the restored database fit what it cannot know: machines that went on without it, boot files of this host. */
async function adapt(
  work: string,
  manifest: BackupManifest,
  options: RestoreOptions,
): Promise<Pick<RestoreReport, "held" | "assetsToFetch">> {
  const { assetsDirectory, clock, limits } = options;
  const store = openSqliteStore({ file: path.join(work, DATABASE) });
  try {
    const held = await holdRestored({ store, clock, limits, takenAt: manifest.createdAt });
    const tree = createBootTree({ directory: assetsDirectory });
    return { held, assetsToFetch: await forgetChangedAssets(store.assets, tree) };
  } finally {
    await store.close();
  }
}

/** The database goes last: until it is there, a start would make an empty one instead of mixing two states. */
async function swapIn(options: {
  readonly dataDir: string;
  readonly work: string;
  readonly manifest: BackupManifest;
  readonly at: number;
}): Promise<string | undefined> {
  const { dataDir, work, manifest } = options;
  const aside = path.join(
    dataDir,
    `before-restore-${new Date(options.at).toISOString().slice(0, 19).replaceAll(":", "-")}`,
  );
  const moved = await moveAll({
    names: [DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`, PKI, ADMIN_TOKEN, COMPONENT_LOCK],
    from: dataDir,
    to: aside,
  });
  const held = new Set(manifest.files.map(({ name }) => name));
  const optional = [ADMIN_TOKEN, COMPONENT_LOCK].filter((name) => held.has(name));
  await moveAll({ names: [PKI, ...optional, DATABASE], from: work, to: dataDir });
  return moved ? aside : undefined;
}

async function moveAll(options: {
  readonly names: readonly string[];
  readonly from: string;
  readonly to: string;
}): Promise<boolean> {
  const { names, from, to } = options;
  let moved = false;
  for (const name of names) {
    if (!(await exists(path.join(from, name)))) continue;
    await mkdir(to, { recursive: true, mode: 0o700 });
    await rename(path.join(from, name), path.join(to, name));
    moved = true;
  }
  return moved;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
