/**
 * Container images, pulled through: manifests and blobs by digest from a content-addressed cache, tags by what their
 * registry says now or, while it is away, by what it said last. Nothing is kept whose digest is wrong.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { MusterError, NotFoundError } from "../../domain/errors.ts";
import { MANIFEST_TYPES, mediaTypeOfManifest } from "../../domain/images/manifest.ts";
import {
  type Digest,
  formatImage,
  isDigest,
  type ManifestReference,
  type Repository,
  sha256Of,
} from "../../domain/images/reference.ts";
import type { Clock, EventSink, Log } from "../../services/ports.ts";
import type { Fill } from "../assets/fill.ts";
import type { MirrorAnswer } from "../assets/mirror.ts";
import type { ObjectCache } from "../assets/object-cache.ts";
import { readBody } from "../assets/read-body.ts";
import type { Upstream } from "../assets/upstream.ts";
import type { TagRecord, TagRecords } from "./tag-records.ts";

export interface ImageStoreOptions {
  /** Registries by the host that image names carry. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly cache: ObjectCache;
  readonly tags: TagRecords;
  /** Age up to which a tag is believed without asking, milliseconds. */
  readonly tagAgeMs: number;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly log: Log;
}

export interface Manifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface BlobRequest {
  readonly repository: Repository;
  readonly digest: Digest;
}

export interface ManifestRequest {
  readonly repository: Repository;
  readonly reference: ManifestReference;
}

export interface ImageStore {
  /** @throws NotFoundError, or MusterError `upstream-failed`, `not-verified`, `unavailable`. */
  manifest(request: ManifestRequest): Promise<Manifest>;
  /** The blob from disk or while it arrives. @throws NotFoundError for a registry that is not configured. */
  blob(request: BlobRequest): Promise<Extract<MirrorAnswer, { kind: "stored" | "filling" }>>;
  /** Size of a blob without fetching it. @throws what {@link ImageStore.manifest} throws. */
  blobSize(request: BlobRequest): Promise<number>;
  /** A manifest that can be served without asking anybody; undefined when there is none. */
  held(request: ManifestRequest): Promise<Manifest | undefined>;
  /** Whether a blob is on disk. */
  holds(digest: Digest): Promise<boolean>;
}

/** The registries' limit for a manifest. */
const MAX_MANIFEST_BYTES = 4 << 20;

/** An image store over the given registries; nothing is asked before the first image is wanted. */
export function createImageStore(options: ImageStoreOptions): ImageStore {
  const { cache, tags } = options;
  const running = new Map<string, Promise<Manifest>>();
  const noted = new WeakSet<Fill>();
  const once = (key: string, fetch: () => Promise<Manifest>): Promise<Manifest> => {
    const present = running.get(key);
    if (present) return present;
    const started = fetch().finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };
  const held: ImageStore["held"] = async (request) => {
    const { reference } = request;
    const digest = reference.kind === "digest" ? reference.digest : tags.get(formatImage(request))?.digest;
    return digest && readHeld(cache, digest);
  };
  const manifest: ImageStore["manifest"] = async (request) => {
    const present = await held(request);
    if (present && (request.reference.kind === "digest" || isFresh(options, request))) return present;
    return once(formatImage(request), () =>
      present ? revalidate(options, request, present) : fetchManifest(options, request),
    );
  };
  const blob: ImageStore["blob"] = async ({ repository, digest }) => {
    const wanted = { sha256: sha256Of(digest), bytes: undefined };
    const stored = await cache.find(wanted);
    if (stored !== undefined) return { kind: "stored", path: stored, sha256: wanted.sha256 };
    const upstream = upstreamOf(options, repository);
    const fill = cache.fill({ upstream, paths: [`v2/${repository.name}/blobs/${digest}`], wanted });
    if (!noted.has(fill)) {
      noted.add(fill);
      fill.done.catch((error: unknown) => noteMismatch(options, { repository, error }));
    }
    return { kind: "filling", fill, sha256: wanted.sha256 };
  };
  const blobSize: ImageStore["blobSize"] = async ({ repository, digest }) => {
    const upstream = upstreamOf(options, repository);
    const path = `v2/${repository.name}/blobs/${digest}`;
    const response = await answered(upstream, { path, method: "HEAD" });
    response.resume();
    const size = Number(response.headers["content-length"] ?? Number.NaN);
    if (Number.isSafeInteger(size)) return size;
    throw new MusterError("upstream-failed", `${upstream.address} does not tell the size of ${digest}`);
  };
  const holds = async (digest: Digest): Promise<boolean> =>
    (await cache.find({ sha256: sha256Of(digest), bytes: undefined })) !== undefined;
  return { manifest, blob, blobSize, held, holds };
}

async function readHeld(cache: ObjectCache, digest: Digest): Promise<Manifest | undefined> {
  const file = await cache.find({ sha256: sha256Of(digest), bytes: undefined });
  if (file === undefined) return undefined;
  // Gone in between when the cache makes room.
  const bytes = await readFile(file).catch(() => undefined);
  const mediaType = bytes && bytes.length <= MAX_MANIFEST_BYTES ? mediaTypeOfManifest(bytes) : undefined;
  return bytes && mediaType !== undefined ? { digest, mediaType, bytes } : undefined;
}

function isFresh({ tags, tagAgeMs, clock }: ImageStoreOptions, request: ManifestRequest): boolean {
  const record = tags.get(formatImage(request));
  return record !== undefined && Math.abs(clock.now() - record.checkedAt) < tagAgeMs;
}

/** Asks what a known tag means now; without an answer it means what it meant. */
async function revalidate(
  options: ImageStoreOptions,
  request: ManifestRequest,
  present: Manifest,
): Promise<Manifest> {
  try {
    const upstream = upstreamOf(options, request.repository);
    const response = await answered(upstream, { path: manifestPath(request), method: "HEAD" });
    response.resume();
    if (response.headers["docker-content-digest"] !== present.digest)
      return await fetchManifest(options, request);
    await recordTag(options, request, present);
    return present;
  } catch (error) {
    if (!(error instanceof MusterError) || error.code !== "upstream-failed") throw error;
    options.log.warn(
      { image: formatImage(request), reason: error.message },
      "a tag is served as it was last known",
    );
    return present;
  }
}

async function fetchManifest(options: ImageStoreOptions, request: ManifestRequest): Promise<Manifest> {
  const { repository, reference } = request;
  const upstream = upstreamOf(options, repository);
  const response = await answered(upstream, { path: manifestPath(request), method: "GET" });
  const promised = response.headers["docker-content-digest"];
  const bytes = await readBody(response, MAX_MANIFEST_BYTES);
  const mediaType = mediaTypeOfManifest(bytes);
  if (mediaType === undefined) {
    throw new MusterError(
      "upstream-failed",
      `${upstream.address} sends no manifest for ${formatImage(request)}`,
    );
  }
  const digest: Digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const expected = reference.kind === "digest" ? reference.digest : promised;
  if (typeof expected === "string" && isDigest(expected) && expected !== digest) {
    const message = `${upstream.address} sends ${digest} for ${formatImage(request)} instead of ${expected}; it was discarded`;
    const error = new MusterError("not-verified", message);
    noteMismatch(options, { repository, error });
    throw error;
  }
  await options.cache.put(bytes);
  const manifest = { digest, mediaType, bytes };
  await recordTag(options, request, manifest);
  return manifest;
}

async function recordTag(
  { tags, clock }: ImageStoreOptions,
  request: ManifestRequest,
  { digest, bytes }: Manifest,
): Promise<void> {
  if (request.reference.kind !== "tag") return;
  const record: TagRecord = {
    image: formatImage(request),
    digest,
    bytes: bytes.length,
    checkedAt: clock.now(),
  };
  await tags.put(record);
}

function manifestPath({ repository, reference }: ManifestRequest): string {
  return `v2/${repository.name}/manifests/${reference.kind === "tag" ? reference.tag : reference.digest}`;
}

/** The answer when it is 200; every other one becomes an error. */
async function answered(
  upstream: Upstream,
  { path, method }: { readonly path: string; readonly method: "GET" | "HEAD" },
): ReturnType<Upstream["get"]> {
  const response = await upstream.get({ path, method, headers: { Accept: MANIFEST_TYPES.join(", ") } });
  const status = response.statusCode ?? 0;
  if (status === 200) return response;
  response.resume();
  if (status === 404) throw new NotFoundError(`${upstream.address} does not have ${path}`);
  throw new MusterError(
    "upstream-failed",
    `${upstream.address}/${path} answers with status ${status}${hintOf(status)}`,
  );
}

function hintOf(status: number): string {
  if (status === 401 || status === 403) {
    return ": the image does not exist, or images.upstreams lacks credentials for it";
  }
  return status === 429 ? ": the registry's rate limit; credentials in images.upstreams raise it" : "";
}

function upstreamOf({ upstreams }: ImageStoreOptions, { host }: Repository): Upstream {
  const upstream = upstreams.get(host);
  if (upstream) return upstream;
  throw new NotFoundError(`no registry named ${host} is configured here: name it in images.upstreams`);
}

function noteMismatch(
  { events }: ImageStoreOptions,
  { repository, error }: { readonly repository: Repository; readonly error: unknown },
): void {
  if (!(error instanceof MusterError) || error.code !== "not-verified") return;
  const data = { registry: repository.host, repository: repository.name };
  events.record({ type: "mirror-mismatch", source: "images", level: "alarm", message: error.message, data });
}
