/**
 * Files named by their SHA-256, so that a path a client sends never becomes a path on disk and whatever is found is
 * what was asked for. Bounded in total size; what was used least recently goes first.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { Clock, Log } from "../../services/ports.ts";
import { type Fill, startFill, type Wanted } from "./fill.ts";
import type { Upstream } from "./upstream.ts";
import { writeWhole } from "./write-whole.ts";

export interface ObjectRequest {
  readonly upstream: Upstream;
  readonly paths: readonly string[];
  readonly wanted: Wanted;
  readonly signal?: AbortSignal;
}

export interface ObjectCache {
  /** Path of a verified object on disk; undefined when it is not there or has not the right size. */
  find(wanted: Wanted): Promise<string | undefined>;
  /** Joins the download of the object, or starts it. */
  fill(request: ObjectRequest): Fill;
  /** From disk or from the upstream. @throws what {@link Fill.done} throws. */
  obtain(request: ObjectRequest & { readonly onProgress?: (written: number) => void }): Promise<string>;
  /** Keeps bytes that are at hand; returns the SHA-256 they are named by. */
  put(bytes: Uint8Array): Promise<string>;
  /** Hashes every object again and drops those that are no longer what their name says; returns these names. */
  verify(): Promise<readonly string[]>;
  /** Bytes on disk. */
  totalBytes(): Promise<number>;
}

export interface ObjectCacheOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

interface StoredObject {
  readonly path: string;
  readonly bytes: number;
  readonly usedAt: number;
}

const TOUCH_AFTER_MS = 600_000;

/** Opens the cache below `directory`; it is made when missing. */
export function createObjectCache(options: ObjectCacheOptions): ObjectCache {
  const { directory, clock, log } = options;
  const fills = new Map<string, Fill>();
  const trim = createTrimmer(options);
  const objectPath = (sha256: string): string => path.join(directory, "objects", sha256.slice(0, 2), sha256);

  const find = async (wanted: Wanted): Promise<string | undefined> => {
    const file = objectPath(wanted.sha256);
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile() || (wanted.bytes !== undefined && found.size !== wanted.bytes)) return undefined;
    const now = clock.now();
    if (now - found.mtimeMs > TOUCH_AFTER_MS) await utimes(file, now / 1000, now / 1000);
    return file;
  };

  const fill = (request: ObjectRequest): Fill => {
    const { sha256 } = request.wanted;
    const running = fills.get(sha256);
    if (running) return running;
    const partPath = path.join(directory, "partial", sha256);
    const started = startFill({ ...request, partPath, finalPath: objectPath(sha256) });
    fills.set(sha256, started);
    const forget = (): boolean => fills.delete(sha256);
    started.done
      .then(
        () => trim(started.progress().written),
        () => undefined,
      )
      .catch((error: unknown) => log.warn({ error }, "could not trim the mirror's cache"))
      .finally(forget)
      .catch(() => undefined);
    return started;
  };

  const obtain: ObjectCache["obtain"] = async ({ onProgress, ...request }) => {
    const present = await find(request.wanted);
    if (present !== undefined) return present;
    const started = fill(request);
    const stop = started.onProgress(() => onProgress?.(started.progress().written));
    try {
      return await started.done;
    } finally {
      stop();
    }
  };

  const put: ObjectCache["put"] = async (bytes) => {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if ((await find({ sha256, bytes: bytes.length })) !== undefined) return sha256;
    await writeWhole(objectPath(sha256), bytes);
    await trim(bytes.length);
    return sha256;
  };
  const verify: ObjectCache["verify"] = async () => {
    const damaged: string[] = [];
    for (const object of await objectsIn(directory)) {
      const name = path.basename(object.path);
      if ((await hashOf(object.path)) === name) continue;
      await rm(object.path, { force: true });
      damaged.push(name);
    }
    return damaged;
  };

  const totalBytes = async (): Promise<number> => sumOf(await objectsIn(directory));
  return { find, fill, obtain, put, verify, totalBytes };
}

/**
 * Counts what is added; above the limit the least recently used objects go until a tenth of it is free again.
 * The directory is read once at first and then only when something has to go.
 */
function createTrimmer({ directory, maxBytes, log }: ObjectCacheOptions): (added: number) => Promise<void> {
  let total: number | undefined;
  return async (added) => {
    total = total === undefined ? sumOf(await objectsIn(directory)) : total + added;
    if (total <= maxBytes) return;
    const oldestFirst = [...(await objectsIn(directory))].sort((a, b) => a.usedAt - b.usedAt);
    total = sumOf(oldestFirst);
    for (const object of oldestFirst) {
      if (total <= maxBytes * 0.9) break;
      await rm(object.path, { force: true });
      total -= object.bytes;
      log.debug(
        { object: path.basename(object.path), bytes: object.bytes },
        "dropped from the mirror's cache",
      );
    }
  };
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

function sumOf(objects: readonly StoredObject[]): number {
  return objects.reduce((sum, object) => sum + object.bytes, 0);
}

async function objectsIn(directory: string): Promise<readonly StoredObject[]> {
  const root = path.join(directory, "objects");
  await mkdir(root, { recursive: true });
  const objects: StoredObject[] = [];
  for (const prefix of await readdir(root)) {
    for (const name of await readdir(path.join(root, prefix)).catch(() => [])) {
      const file = path.join(root, prefix, name);
      const found = await stat(file).catch(() => undefined);
      if (found) objects.push({ path: file, bytes: found.size, usedAt: found.mtimeMs });
    }
  }
  return objects;
}
