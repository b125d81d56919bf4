/**
 * One download into the object cache. It resumes what an earlier attempt left, is followed by any number of readers
 * while it grows, and ends as a verified object or not at all.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import path from "node:path";
import { MusterError, NotFoundError } from "../../domain/errors.ts";
import type { Upstream } from "./upstream.ts";

/** What is to be fetched. `bytes` is undefined where only the checksum is known. */
export interface Wanted {
  readonly sha256: string;
  readonly bytes: number | undefined;
}

export interface FillOptions {
  readonly upstream: Upstream;
  /** Places to try in order; the next is asked when one answers 404. */
  readonly paths: readonly string[];
  readonly wanted: Wanted;
  readonly partPath: string;
  readonly finalPath: string;
  readonly signal?: AbortSignal;
}

export interface FillProgress {
  readonly written: number;
  readonly restarts: number;
  readonly state: "running" | "done" | "failed";
}

/** A download that is under way. */
export interface Fill {
  readonly partPath: string;
  /** Size of the whole file, as soon as it is known. */
  readonly total: Promise<number>;
  /** Path of the verified object. @throws MusterError `upstream-failed`, `not-verified`, `not-found`, `unavailable`. */
  readonly done: Promise<string>;
  /** Bytes on disk so far, how often the file was begun anew, and whether it has ended. */
  progress(): FillProgress;
  /** Calls back whenever progress changes, the end included; returns the way to stop that. */
  onProgress(listener: () => void): () => void;
}

const ATTEMPTS = 4;

/** Starts the download at once. */
export function startFill(options: FillOptions): Fill {
  const state = new FillState(options.wanted.bytes);
  const done = run(options, state).then(
    (path) => {
      state.end("done");
      return path;
    },
    (error: unknown) => {
      state.sized.reject(error);
      state.end("failed");
      throw error;
    },
  );
  done.catch(() => undefined);
  state.sized.promise.catch(() => undefined);
  return {
    partPath: options.partPath,
    total: state.sized.promise,
    done,
    progress: () => ({ written: state.written, restarts: state.restarts, state: state.state }),
    onProgress: (listener) => {
      state.listeners.add(listener);
      return () => state.listeners.delete(listener);
    },
  };
}

class FillState {
  written = 0;
  restarts = 0;
  state: FillProgress["state"] = "running";
  total: number | undefined;
  hash: Hash = createHash("sha256");
  readonly sized = Promise.withResolvers<number>();
  readonly listeners = new Set<() => void>();

  constructor(total: number | undefined) {
    if (total !== undefined) this.setTotal(total);
  }

  setTotal(total: number): void {
    this.total = total;
    this.sized.resolve(total);
  }

  grow(chunk: Uint8Array): void {
    this.hash.update(chunk);
    this.written += chunk.length;
    this.#tell();
  }

  end(state: "done" | "failed"): void {
    this.state = state;
    this.#tell();
  }

  restart(): void {
    if (this.written > 0) this.restarts += 1;
    this.written = 0;
    this.hash = createHash("sha256");
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.listeners) listener();
  }
}

async function run(options: FillOptions, state: FillState): Promise<string> {
  await mkdir(path.dirname(options.partPath), { recursive: true });
  await mkdir(path.dirname(options.finalPath), { recursive: true });
  await resumeFrom(options, state);
  let pieced = state.written > 0;
  let anew = false;
  for (let attempt = 1; ; attempt += 1) {
    const problem = await attemptOnce(options, state);
    if (problem === undefined) break;
    if (problem.code === "not-verified" && pieced && !anew) {
      anew = true;
      await discard(options, state);
    } else if (
      problem.code !== "upstream-failed" ||
      attempt >= ATTEMPTS ||
      options.signal?.aborted === true
    ) {
      throw problem;
    }
    pieced = true;
  }
  await rename(options.partPath, options.finalPath);
  return options.finalPath;
}

/** Takes up a part file of an earlier run: its bytes count, but only the hash of the whole decides. */
async function resumeFrom({ partPath, wanted }: FillOptions, state: FillState): Promise<void> {
  const part = await stat(partPath).catch(() => undefined);
  if (!part || part.size === 0) return;
  if (wanted.bytes !== undefined && part.size > wanted.bytes) {
    await rm(partPath, { force: true });
    return;
  }
  for await (const chunk of createReadStream(partPath, { highWaterMark: 1 << 20 }))
    state.grow(chunk as Buffer);
}

/** One connection's worth of progress; undefined when the file is complete and verified. */
async function attemptOnce(options: FillOptions, state: FillState): Promise<MusterError | undefined> {
  try {
    if (state.total === undefined || state.written < state.total) await receive(options, state);
  } catch (error) {
    return asMusterError(error, options);
  }
  const { address } = options.upstream;
  const name = options.paths.at(-1) ?? "";
  if (state.total !== undefined && state.written < state.total) {
    return new MusterError("upstream-failed", `${address} cut ${name} short`);
  }
  const sha256 = state.hash.copy().digest("hex");
  if (sha256 === options.wanted.sha256 && state.written === state.total) return undefined;
  await rm(options.partPath, { force: true });
  return new MusterError(
    "not-verified",
    `${address}/${name} is not what the archive's index promises (SHA-256 ${sha256}); it was discarded`,
  );
}

async function receive(options: FillOptions, state: FillState): Promise<void> {
  const response = await request(options, state.written);
  const offset = response.statusCode === 206 ? rangeStart(response) : 0;
  if (offset !== state.written) await discard(options, state);
  if (offset !== 0 && offset !== state.written) {
    response.destroy();
    throw new MusterError("upstream-failed", `${options.upstream.address} sent another range than asked for`);
  }
  const length = Number(response.headers["content-length"] ?? Number.NaN);
  if (state.total === undefined && Number.isSafeInteger(length)) state.setTotal(offset + length);
  if (Number.isSafeInteger(length) && offset + length !== state.total) {
    response.destroy();
    throw new MusterError(
      "not-verified",
      `${options.upstream.address}/${options.paths.at(-1) ?? ""} has ${offset + length} bytes, the archive's index promises ${state.total ?? 0}`,
    );
  }
  const file = await open(options.partPath, state.written > 0 ? "a" : "w");
  try {
    await copy({ response, file, state });
  } finally {
    await file.close();
  }
  if (state.total === undefined) state.setTotal(state.written);
}

interface Copy {
  readonly response: IncomingMessage;
  readonly file: FileHandle;
  readonly state: FillState;
}

async function copy({ response, file, state }: Copy): Promise<void> {
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (state.total !== undefined && state.written + chunk.length > state.total) {
      throw new MusterError("not-verified", "the archive sends more bytes than its index promises");
    }
    await file.write(chunk);
    state.grow(chunk);
  }
}

async function request(options: FillOptions, from: number): Promise<IncomingMessage> {
  const headers: Record<string, string> = from > 0 ? { Range: `bytes=${from}-` } : {};
  const { upstream, signal } = options;
  for (const candidate of options.paths) {
    const response = await upstream.get({ path: candidate, headers, ...(signal && { signal }) });
    const status = response.statusCode ?? 0;
    if (status === 200 || (status === 206 && from > 0)) return response;
    response.destroy();
    if (status !== 404) {
      throw new MusterError(
        "upstream-failed",
        `${upstream.address}/${candidate} answers with status ${status}`,
      );
    }
  }
  throw new NotFoundError(`${upstream.address} does not have ${options.paths.join(" nor ")}`);
}

function rangeStart(response: IncomingMessage): number {
  return Number(/^bytes (\d+)-/.exec(response.headers["content-range"] ?? "")?.[1] ?? Number.NaN);
}

async function discard({ partPath }: FillOptions, state: FillState): Promise<void> {
  await rm(partPath, { force: true });
  state.restart();
}

function asMusterError(error: unknown, { upstream, paths }: FillOptions): MusterError {
  if (error instanceof MusterError) return error;
  const cause = error as NodeJS.ErrnoException;
  if (
    cause.code === "ENOSPC" ||
    cause.code === "EACCES" ||
    cause.code === "EROFS" ||
    cause.code === "EDQUOT"
  ) {
    return new MusterError("unavailable", `cannot store ${paths.at(-1) ?? ""}: ${cause.message}`, { cause });
  }
  return new MusterError("upstream-failed", `${upstream.address}/${paths.at(-1) ?? ""}: ${cause.message}`, {
    cause,
  });
}
