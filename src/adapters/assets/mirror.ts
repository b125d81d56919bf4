/**
 * The pull-through mirror: what a path of the archive stands for, found in the cache or being fetched. Everything that
 * an index of a verified release lists is checked against it; what no index lists is passed through and not kept.
 */
import type { IncomingMessage } from "node:http";
import { MusterError, NotFoundError } from "../../domain/errors.ts";
import type { EventSink } from "../../services/ports.ts";
import type { Archive, ArchiveFile } from "./archive.ts";
import type { Fill } from "./fill.ts";
import type { ObjectCache } from "./object-cache.ts";
import { findPoolFile } from "./pool-files.ts";

/** How a path can be answered. `sha256` names the content and serves as its entity tag. */
export type MirrorAnswer =
  | { readonly kind: "bytes"; readonly body: Buffer }
  | { readonly kind: "stored"; readonly path: string; readonly sha256: string }
  | { readonly kind: "filling"; readonly fill: Fill; readonly sha256: string }
  | { readonly kind: "through"; readonly response: IncomingMessage };

export interface Mirror {
  /**
   * Finds a path relative to the archive's root; `headers` are handed on where the answer is passed through.
   * @throws NotFoundError when the archive has no such file; MusterError when it cannot be asked or trusted.
   */
  open(path: string, headers: Readonly<Record<string, string>>): Promise<MirrorAnswer>;
}

export interface MirrorOptions {
  readonly name: string;
  readonly archive: Archive;
  readonly cache: ObjectCache;
  readonly events: EventSink;
  /** Age up to which a release is served without asking the archive again, milliseconds. */
  readonly releaseAgeMs?: number;
}

const RELEASE = /^dists\/([^/]+)\/(InRelease|Release|Release\.gpg)$/;
const INDEXED = /^dists\/([^/]+)\/(.+)$/;
const BY_HASH = /\/by-hash\/SHA256\/([0-9a-f]{64})$/;
const INSTALLER = /^(main\/installer-[^/]+\/[^/]+\/images)\/(.+)$/;
const RELEASE_AGE_MS = 300_000;

/** A mirror of one archive. */
export function createMirror(options: MirrorOptions): Mirror {
  const { archive, cache, releaseAgeMs = RELEASE_AGE_MS } = options;
  return {
    open: async (path, headers) => {
      const release = RELEASE.exec(path);
      if (release?.[1] && release[2])
        return releaseFile(archive, { suite: release[1], file: release[2] }, releaseAgeMs);
      const file = await locate(options, path);
      if (!file) return passThrough(archive, path, headers);
      const stored = await cache.find(file.wanted);
      const { sha256 } = file.wanted;
      if (stored !== undefined) return { kind: "stored", path: stored, sha256 };
      const fill = cache.fill({ upstream: archive.upstream, paths: file.paths, wanted: file.wanted });
      reportMismatch(options, { fill, path });
      return { kind: "filling", fill, sha256 };
    },
  };
}

async function releaseFile(
  { suites }: Archive,
  { suite, file }: { readonly suite: string; readonly file: string },
  maxAgeMs: number,
): Promise<MirrorAnswer> {
  if (file === "InRelease") return { kind: "bytes", body: (await suites.get(suite, maxAgeMs)).inRelease };
  // A signature is asked for right after its Release: it must not be of a newer one because that came of age in between.
  const { pair } = await suites.get(suite, file === "Release" ? maxAgeMs : 2 * maxAgeMs);
  return { kind: "bytes", body: Buffer.from(file === "Release" ? pair.content : pair.signature) };
}

/** The checksum that a path must have; undefined when no index knows it. */
async function locate(
  { archive, releaseAgeMs = RELEASE_AGE_MS }: MirrorOptions,
  path: string,
): Promise<ArchiveFile | undefined> {
  if (path.startsWith("pool/")) return findPoolFile(archive, path);
  const [, name, file] = INDEXED.exec(path) ?? [];
  if (name === undefined || file === undefined) return undefined;
  const suite = await archive.suites.get(name, releaseAgeMs);
  const sha256 = BY_HASH.exec(file)?.[1];
  if (sha256 !== undefined) {
    const promised = [...suite.release.files.values()].find((each) => each.sha256 === sha256);
    return { wanted: promised ?? { sha256, bytes: undefined }, paths: [path] };
  }
  const [, directory, image] = INSTALLER.exec(file) ?? [];
  const listed = archive.listed(suite, file);
  if (listed || directory === undefined || image === undefined) return listed;
  return archive.installerImage(suite, { directory, file: image });
}

async function passThrough(
  { upstream }: Archive,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<MirrorAnswer> {
  const response = await upstream.get({ path, headers });
  const status = response.statusCode ?? 0;
  if (status === 404) {
    response.resume();
    throw new NotFoundError(`${upstream.address} has no ${path}`);
  }
  if (status >= 500 || status === 401 || status === 403 || status === 407) {
    response.resume();
    throw new MusterError("upstream-failed", `${upstream.address}/${path} answers with status ${status}`);
  }
  return { kind: "through", response };
}

const reported = new WeakSet<Fill>();

function reportMismatch({ events, name }: MirrorOptions, { fill, path }: { fill: Fill; path: string }): void {
  if (reported.has(fill)) return;
  reported.add(fill);
  fill.done.catch((error: unknown) => {
    if (!(error instanceof MusterError) || error.code !== "not-verified") return;
    events.record({
      type: "mirror-mismatch",
      source: "mirror",
      level: "alarm",
      message: error.message,
      data: { mirror: name, path },
    });
  });
}
