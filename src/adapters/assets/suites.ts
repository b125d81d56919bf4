/**
 * The signed state of an archive's suites: `InRelease`, fetched anew when older than a given age, verified before
 * anybody sees it, kept on disk for when the upstream is away. The older pair `Release` and `Release.gpg` is taken out
 * of it and never fetched: two files that are fetched around an update of the archive do not fit together.
 */
import { mkdir, readdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { type ClearSigned, splitClearSigned } from "../../domain/assets/clear-signed.ts";
import { parseRelease, type ReleaseFile } from "../../domain/assets/release-file.ts";
import { MusterError, NotFoundError } from "../../domain/errors.ts";
import type { Clock, Log } from "../../services/ports.ts";
import { readBody } from "./read-body.ts";
import type { SignatureCheck } from "./signature.ts";
import type { Upstream } from "./upstream.ts";

/** A verified suite. `current` is false when it is an older copy because the upstream could not be asked. */
export interface Suite {
  readonly name: string;
  readonly release: ReleaseFile;
  /** The `InRelease` as the archive sent it. */
  readonly inRelease: Buffer;
  /** The same taken apart, for programs that ask for `Release` and `Release.gpg`. */
  readonly pair: ClearSigned;
  readonly checkedAt: number;
  readonly current: boolean;
  /** Why it is not current. */
  readonly note?: string;
}

export interface Suites {
  /** The suite's state, at most `maxAgeMs` old. @throws MusterError `not-found`, `not-verified`, `upstream-failed`. */
  get(name: string, maxAgeMs: number): Promise<Suite>;
  /** Suites asked for since the start, most recently first. */
  known(): readonly Suite[];
  /** Names of the suites on disk. */
  stored(): Promise<readonly string[]>;
}

export interface SuitesOptions {
  readonly upstream: Upstream;
  readonly directory: string;
  readonly verify: SignatureCheck;
  readonly clock: Clock;
  readonly log: Log;
}

const NAME = /^[a-z0-9][a-z0-9._-]*$/;
const MAX_RELEASE_BYTES = 16_000_000;
/** How long an old copy is used without asking again after the upstream failed. */
const FAILURE_PAUSE_MS = 30_000;

/** The suites of one archive. */
export function createSuites(options: SuitesOptions): Suites {
  const suites = new Map<string, Suite>();
  const running = new Map<string, Promise<Suite>>();
  const refresh = (name: string): Promise<Suite> => {
    const started = running.get(name) ?? load(options, name, suites.get(name));
    running.set(name, started);
    return started.finally(() => running.delete(name));
  };
  const get: Suites["get"] = async (name, maxAgeMs) => {
    requireName(name);
    const held = suites.get(name);
    const age = held ? options.clock.now() - held.checkedAt : Number.POSITIVE_INFINITY;
    const fresh = held && age >= 0 && age <= (held.current ? maxAgeMs : Math.min(maxAgeMs, FAILURE_PAUSE_MS));
    const suite = fresh ? held : await refresh(name);
    suites.delete(name);
    suites.set(name, suite);
    return suite;
  };
  const stored = (): Promise<string[]> => readdir(options.directory).catch(() => []);
  return { get, known: () => [...suites.values()].reverse(), stored };
}

function requireName(name: string): void {
  if (!NAME.test(name)) throw new NotFoundError(`"${name}" is not the name of a suite`);
}

/** From the upstream if it answers, else from disk. */
async function load(options: SuitesOptions, name: string, held: Suite | undefined): Promise<Suite> {
  const stored = held ?? (await fromDisk(options, name));
  try {
    return await fromUpstream(options, { name, stored });
  } catch (error) {
    if (!(error instanceof MusterError) || error.code !== "upstream-failed") throw error;
    options.log.warn(
      { suite: name, reason: error.message },
      "the archive does not answer, using the stored release",
    );
    return old(stored, { name, reason: error.message, now: options.clock.now() });
  }
}

function old(stored: Suite | undefined, about: { name: string; reason: string; now: number }): Suite {
  if (!stored) {
    throw new MusterError(
      "upstream-failed",
      `no copy of the release ${about.name} is stored and ${about.reason}`,
    );
  }
  return { ...stored, current: false, checkedAt: about.now, note: about.reason };
}

interface Refresh {
  readonly name: string;
  readonly stored: Suite | undefined;
}

async function fromUpstream(options: SuitesOptions, { name, stored }: Refresh): Promise<Suite> {
  const { clock, log } = options;
  const file = fileOf(options, name, "InRelease");
  const headers: Record<string, string> = {};
  const modified = stored && (await stat(file).catch(() => undefined))?.mtime;
  if (modified) headers["If-Modified-Since"] = modified.toUTCString();
  const answer = await fetchSmall(options, { path: `dists/${name}/InRelease`, headers });
  if (answer === "not-modified" && stored) return withoutNote(stored, clock.now());
  if (answer === "not-modified") throw new MusterError("upstream-failed", "304 without a condition");
  if (stored?.inRelease.equals(answer.body)) return withoutNote(stored, clock.now());
  const { release, pair } = await verified(options, { name, inRelease: answer.body });
  if (stored?.release.date !== undefined && (release.date ?? 0) < stored.release.date) {
    log.warn({ suite: name }, "the archive offers an older release than before, keeping the newer one");
    return { ...stored, checkedAt: clock.now(), current: true, note: "the archive offers an older release" };
  }
  await store(file, answer.body, answer.modified);
  return { name, release, pair, inRelease: answer.body, checkedAt: clock.now(), current: true };
}

function withoutNote({ name, release, pair, inRelease }: Suite, now: number): Suite {
  return { name, release, pair, inRelease, checkedAt: now, current: true };
}

async function fromDisk(options: SuitesOptions, name: string): Promise<Suite | undefined> {
  const inRelease = await readFile(fileOf(options, name, "InRelease")).catch(() => undefined);
  if (!inRelease) return undefined;
  const read = await verified(options, { name, inRelease });
  return { name, ...read, inRelease, checkedAt: 0, current: false };
}

/** Reads a release after its signature was found good, and only if it is the one asked for. */
async function verified(
  { verify }: SuitesOptions,
  { name, inRelease }: { name: string; inRelease: Buffer },
): Promise<Pick<Suite, "release" | "pair">> {
  const pair = splitClearSigned(inRelease.toString("utf8"));
  if (!pair) throw new MusterError("not-verified", `the InRelease of ${name} is not one signed message`);
  const result = await verify(pair);
  if (result.kind === "bad") {
    throw new MusterError(
      "not-verified",
      `the signature of the release ${name} is not good: ${result.reason}`,
    );
  }
  return { release: readRelease(name, pair.content), pair };
}

function readRelease(name: string, text: string): ReleaseFile {
  const release = parseRelease(text);
  if (!release) throw new MusterError("not-verified", `the release ${name} lists no SHA-256 checksums`);
  if (release.codename !== name && release.suite !== name) {
    throw new MusterError(
      "not-verified",
      `asked for the release ${name}, got ${release.codename} (${release.suite}) under its name`,
    );
  }
  return release;
}

interface Small {
  readonly body: Buffer;
  readonly modified: Date | undefined;
}

async function fetchSmall(
  { upstream }: SuitesOptions,
  request: { readonly path: string; readonly headers?: Record<string, string> },
): Promise<Small | "not-modified"> {
  const response = await upstream.get(request);
  const status = response.statusCode ?? 0;
  if (status === 200) {
    const body = await readBody(response, MAX_RELEASE_BYTES);
    const modified = new Date(response.headers["last-modified"] ?? Number.NaN);
    return { body, modified: Number.isNaN(modified.getTime()) ? undefined : modified };
  }
  response.resume();
  if (status === 304) return "not-modified";
  const text = `${upstream.address}/${request.path} answers with status ${status}`;
  throw status === 404 ? new NotFoundError(text) : new MusterError("upstream-failed", text);
}

async function store(file: string, body: Buffer, modified: Date | undefined): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.new`, body);
  if (modified) await utimes(`${file}.new`, modified, modified);
  await rename(`${file}.new`, file);
}

function fileOf({ directory }: SuitesOptions, name: string, file: string): string {
  return path.join(directory, name, file);
}
