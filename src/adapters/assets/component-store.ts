/**
 * Released files, fetched once: verified against the checksum that their upstream publishes, recorded in the lock file,
 * and from then on held to what was recorded.
 */
import { stat } from "node:fs/promises";
import {
  type FileUpstream,
  publishedSha256,
  type UpstreamFile,
} from "../../domain/components/component-files.ts";
import { MusterError, NotFoundError } from "../../domain/errors.ts";
import type { Clock, EventSink } from "../../services/ports.ts";
import type { DigestLock, LockEntry } from "./digest-lock.ts";
import type { Fill, Wanted } from "./fill.ts";
import type { ObjectCache } from "./object-cache.ts";
import { readBody } from "./read-body.ts";
import type { Upstream } from "./upstream.ts";

export interface ComponentStoreOptions {
  readonly upstreams: Readonly<Record<FileUpstream, Upstream>>;
  readonly cache: ObjectCache;
  readonly lock: DigestLock;
  readonly events: EventSink;
  readonly clock: Clock;
}

/** A file that is on disk, or on its way there. */
export type HeldFile =
  | { readonly kind: "stored"; readonly path: string; readonly sha256: string }
  | { readonly kind: "filling"; readonly fill: Fill; readonly sha256: string };

export interface ObtainFile {
  readonly onProgress?: (written: number) => void;
  readonly signal?: AbortSignal;
}

export interface ComponentStore {
  /** What was recorded of a file; undefined before its first pull. */
  recorded(file: Pick<UpstreamFile, "upstream" | "path">): LockEntry | undefined;
  /** Path on disk of a recorded file; undefined when it is not there. */
  held(file: Pick<UpstreamFile, "upstream" | "path">): Promise<string | undefined>;
  /** The file as it can be sent to a client: from disk, or while it arrives. @throws what {@link ComponentStore.obtain} throws. */
  open(file: UpstreamFile): Promise<HeldFile>;
  /** Path on disk. @throws NotFoundError, or MusterError `upstream-failed`, `not-verified`, `unavailable`. */
  obtain(file: UpstreamFile, options?: ObtainFile): Promise<string>;
  /**
   * Compares what the upstream publishes now with what was recorded; does nothing while the upstream is away.
   * @throws MusterError `not-verified` when they differ.
   */
  compare(file: UpstreamFile): Promise<void>;
}

const MAX_CHECKSUM_BYTES = 1 << 20;
/** Files without a published checksum are manifests. */
const MAX_FIRST_USE_BYTES = 32 << 20;

/** A store over the given upstreams; nothing is asked before the first file is wanted. */
export function createComponentStore(options: ComponentStoreOptions): ComponentStore {
  const { cache, lock, upstreams } = options;
  /** What upstreams published of files that are on their way, by key: clients that come meanwhile need not ask again. */
  const published = new Map<string, Promise<string>>();
  const noted = new WeakSet<Fill>();

  const ask = (file: UpstreamFile, checksumPath: string): Promise<string> =>
    fetchPublished(upstreams[file.upstream], { file, checksumPath });
  const askOnce = (file: UpstreamFile, checksumPath: string): Promise<string> => {
    const key = keyOf(file);
    const asked = published.get(key) ?? ask(file, checksumPath);
    published.set(key, asked);
    asked.catch(() => published.delete(key));
    return asked;
  };
  const wantedOf = async (file: UpstreamFile): Promise<Wanted> => {
    const entry = lock.get(keyOf(file));
    if (entry) return { sha256: entry.sha256, bytes: entry.bytes };
    if (file.checksumPath === undefined) return keepFirst(options, file);
    return { sha256: await askOnce(file, file.checksumPath), bytes: undefined };
  };
  const open: ComponentStore["open"] = async (file) => {
    const wanted = await wantedOf(file);
    const { sha256 } = wanted;
    const stored = await cache.find(wanted);
    if (stored !== undefined) {
      await recordStored(options, { file, sha256, path: stored });
      published.delete(keyOf(file));
      return { kind: "stored", path: stored, sha256 };
    }
    const fill = cache.fill({ upstream: upstreams[file.upstream], paths: [file.path], wanted });
    if (!noted.has(fill)) {
      noted.add(fill);
      void noteEnd(options, { file, fill, sha256 }).finally(() => published.delete(keyOf(file)));
    }
    return { kind: "filling", fill, sha256 };
  };
  const obtain: ComponentStore["obtain"] = async (file, { onProgress, signal } = {}) => {
    signal?.throwIfAborted();
    const found = await open(file);
    if (found.kind === "stored") return found.path;
    const stop = found.fill.onProgress(() => onProgress?.(found.fill.progress().written));
    try {
      const path = await found.fill.done;
      await lock.record(
        keyOf(file),
        entryOf(options, { file, sha256: found.sha256, bytes: found.fill.progress().written }),
      );
      return path;
    } finally {
      stop();
    }
  };
  const compare: ComponentStore["compare"] = async (file) => {
    const entry = lock.get(keyOf(file));
    if (!entry || file.checksumPath === undefined) return;
    const now = await ask(file, file.checksumPath).catch((error: unknown) => {
      if (error instanceof MusterError && error.code !== "not-verified") return undefined;
      throw error;
    });
    if (now === undefined || now === entry.sha256) return;
    const message = changedMessage(options, { file, entry, now });
    alarm(options, file, message);
    throw new MusterError("not-verified", message);
  };
  return {
    recorded: (file) => lock.get(keyOf(file)),
    held: async (file) => {
      const entry = lock.get(keyOf(file));
      return entry && cache.find({ sha256: entry.sha256, bytes: entry.bytes });
    },
    open,
    obtain,
    compare,
  };
}

function keyOf({ upstream, path }: Pick<UpstreamFile, "upstream" | "path">): string {
  return `${upstream}/${path}`;
}

async function fetchPublished(
  upstream: Upstream,
  { file, checksumPath }: { readonly file: UpstreamFile; readonly checksumPath: string },
): Promise<string> {
  const text = (await fetchSmall(upstream, checksumPath, MAX_CHECKSUM_BYTES)).toString("utf8");
  const sha256 = publishedSha256(text, file.name);
  if (sha256 !== undefined) return sha256;
  throw new MusterError("not-verified", `${upstream.address}/${checksumPath} has no SHA-256 of ${file.name}`);
}

/** What the upstream publishes without a checksum is taken as it is the first time, and held to that later. */
async function keepFirst(options: ComponentStoreOptions, file: UpstreamFile): Promise<Wanted> {
  const body = await fetchSmall(options.upstreams[file.upstream], file.path, MAX_FIRST_USE_BYTES);
  const sha256 = await options.cache.put(body);
  await options.lock.record(keyOf(file), entryOf(options, { file, sha256, bytes: body.length }));
  return { sha256, bytes: body.length };
}

async function fetchSmall(upstream: Upstream, path: string, maxBytes: number): Promise<Buffer> {
  const response = await upstream.get({ path });
  const status = response.statusCode ?? 0;
  if (status === 200) return readBody(response, maxBytes);
  response.destroy();
  if (status === 404) throw new NotFoundError(`${upstream.address} does not have ${path}`);
  throw new MusterError("upstream-failed", `${upstream.address}/${path} answers with status ${status}`);
}

/** Bytes that came here under another name count for this one too. */
async function recordStored(
  options: ComponentStoreOptions,
  { file, sha256, path }: { readonly file: UpstreamFile; readonly sha256: string; readonly path: string },
): Promise<void> {
  if (options.lock.get(keyOf(file))) return;
  const bytes = (await stat(path)).size;
  await options.lock.record(keyOf(file), entryOf(options, { file, sha256, bytes }));
}

function noteEnd(
  options: ComponentStoreOptions,
  { file, fill, sha256 }: { readonly file: UpstreamFile; readonly fill: Fill; readonly sha256: string },
): Promise<void> {
  const entry = options.lock.get(keyOf(file));
  return fill.done
    .then(() =>
      options.lock.record(keyOf(file), entryOf(options, { file, sha256, bytes: fill.progress().written })),
    )
    .catch((error: unknown) => {
      if (!(error instanceof MusterError) || error.code !== "not-verified") return;
      alarm(options, file, entry ? changedMessage(options, { file, entry }) : error.message);
    });
}

function entryOf(
  { clock }: ComponentStoreOptions,
  { file, sha256, bytes }: { readonly file: UpstreamFile; readonly sha256: string; readonly bytes: number },
): LockEntry {
  const { component, version, name } = file;
  return { sha256, bytes, component, version, name, recorded: new Date(clock.now()).toISOString() };
}

function changedMessage(
  { lock, upstreams }: ComponentStoreOptions,
  { file, entry, now }: { readonly file: UpstreamFile; readonly entry: LockEntry; readonly now?: string },
): string {
  const publishes = now === undefined ? "other bytes" : `SHA-256 ${now}`;
  return (
    `${upstreams[file.upstream].address} now has ${publishes} for ${file.path}, recorded on ${entry.recorded.slice(0, 10)} ` +
    `with ${entry.sha256}: a released version must not change, so it is refused. Ask the project why; if the new file is ` +
    `right, remove its entry from ${lock.file} and restart`
  );
}

function alarm({ events }: ComponentStoreOptions, file: UpstreamFile, message: string): void {
  const data = { upstream: file.upstream, path: file.path };
  events.record({ type: "mirror-mismatch", source: "mirror", level: "alarm", message, data });
}
