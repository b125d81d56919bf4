/** Boot files over HTTP (H-01…H-14): exact lengths, ranges, conditions, and nothing outside of the tree. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { evaluatePreconditions, rangeApplies } from "../../protocol/http/preconditions.ts";
import { parseRange } from "../../protocol/http/range.ts";
import type { BootFile, BootFiles } from "../../services/assets/assets.ts";
import type { BlockCache } from "./block-cache.ts";
import { mediaTypeOf } from "./media-types.ts";
import { plainAnswer } from "./plain-answer.ts";
import { sendBlocks } from "./send-blocks.ts";

export interface StaticFilesOptions {
  readonly files: BootFiles;
  readonly cache: BlockCache;
  /** Transfers at once; further ones are asked to come back. */
  readonly maxTransfers: number;
}

/** One request for a file, already decoded: `path` is relative to the tree. */
export interface FileRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
}

export interface StaticFiles {
  /** Answers the request; resolves when the answer is complete or the client is gone. */
  serve(request: FileRequest): Promise<void>;
  /** Transfers under way. */
  active(): number;
}

const RETRY_AFTER_SECONDS = 5;

/** The handler for everything below `/boot/files/`. */
export function createStaticFiles({ files, cache, maxTransfers }: StaticFilesOptions): StaticFiles {
  let active = 0;
  const serve = async ({ request, response, path }: FileRequest): Promise<void> => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      plainAnswer(response, { status: 405, text: "only GET and HEAD", headers: { Allow: "GET, HEAD" } });
      return;
    }
    const file = await findAnyCase(files, path);
    if (!file) {
      plainAnswer(response, { status: 404, text: `there is no ${path} here` });
      return;
    }
    if (request.method === "GET" && active >= maxTransfers) {
      const headers = { "Retry-After": String(RETRY_AFTER_SECONDS) };
      plainAnswer(response, { status: 503, text: "too many transfers at once, try again", headers });
      return;
    }
    active += 1;
    try {
      await serveFile({ file, cache, request, response });
    } finally {
      active -= 1;
    }
  };
  return { serve, active: () => active };
}

/** Firmware writes extensions, and sometimes whole names, in capitals (H-07). */
async function findAnyCase(files: BootFiles, path: string): Promise<BootFile | undefined> {
  const exact = await files.find(path);
  if (exact) return exact;
  const lowerExtension = path.replace(/\.[^./]+$/, (extension) => extension.toLowerCase());
  const found = lowerExtension === path ? undefined : await files.find(lowerExtension);
  return found ?? (path === path.toLowerCase() ? undefined : files.find(path.toLowerCase()));
}

/** A file that was found, and who asked. */
export interface FileAnswer {
  readonly file: BootFile;
  readonly cache: BlockCache;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Content type; by the file's name when left out. */
  readonly type?: string;
}

/** Sends a file, or the part or the refusal that the request's headers ask for. */
export async function serveFile({ file, cache, request, response, type }: FileAnswer): Promise<void> {
  const validators = { etag: `"${file.etag}"`, modifiedAt: file.modifiedAt };
  const headers: Record<string, string | number> = {
    "Content-Type": type ?? mediaTypeOf(file.path),
    "Accept-Ranges": "bytes",
    ETag: validators.etag,
    "Last-Modified": new Date(file.modifiedAt).toUTCString(),
  };
  const condition = evaluatePreconditions(request.headers, validators);
  if (condition === "failed") {
    plainAnswer(response, { status: 412, text: "the file has changed", headers });
    return;
  }
  if (condition === "not-modified") {
    response.writeHead(304, headers).end();
    return;
  }
  const range = rangeApplies(request.headers, validators)
    ? parseRange(request.headers.range, file.size)
    : ({ kind: "whole" } as const);
  if (range.kind === "unsatisfiable") {
    const text = `the file has ${file.size} bytes`;
    plainAnswer(response, { status: 416, text, headers: { "Content-Range": `bytes */${file.size}` } });
    return;
  }
  const [start, end] = range.kind === "part" ? [range.start, range.end] : [0, file.size - 1];
  if (range.kind === "part") headers["Content-Range"] = `bytes ${start}-${end}/${file.size}`;
  headers["Content-Length"] = end - start + 1;
  response.writeHead(range.kind === "part" ? 206 : 200, headers);
  if (request.method === "HEAD" || file.size === 0) response.end();
  else await sendBlocks({ response, reader: cache.reader(file), start, end });
}
