/** `/mirror/debian/…` and `/mirror/debian-security/…`: the pull-through mirror over HTTP. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { MusterError, NotFoundError } from "../../domain/errors.ts";
import { evaluatePreconditions } from "../../protocol/http/preconditions.ts";
import type { Log } from "../../services/ports.ts";
import type { Fill } from "../assets/fill.ts";
import type { Mirror, MirrorAnswer } from "../assets/mirror.ts";
import type { BlockCache } from "./block-cache.ts";
import { followFill } from "./follow-fill.ts";
import { plainAnswer } from "./plain-answer.ts";
import { serveFile } from "./static-files.ts";

export interface MirrorRoutesOptions {
  /** Mirrors by the first part of the path below `/mirror/`. */
  readonly mirrors: ReadonlyMap<string, Mirror>;
  readonly cache: BlockCache;
  readonly log: Log;
}

export interface MirrorRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Decoded path below `/mirror/`. */
  readonly path: string;
}

/** Answers one request; resolves when the answer is complete or the client is gone. */
export type MirrorRoutes = (request: MirrorRequest) => Promise<void>;

const HANDED_ON = [
  "range",
  "if-range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
];
const PASSED_BACK = [
  "content-type",
  "content-length",
  "content-range",
  "last-modified",
  "etag",
  "accept-ranges",
];

/** The handler for everything below `/mirror/`. */
export function createMirrorRoutes(options: MirrorRoutesOptions): MirrorRoutes {
  return async ({ request, response, path }) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      plainAnswer(response, { status: 405, text: "only GET and HEAD", headers: { Allow: "GET, HEAD" } });
      return;
    }
    const slash = path.indexOf("/");
    const mirror = options.mirrors.get(path.slice(0, slash));
    const file = path.slice(slash + 1);
    if (!mirror || slash < 0 || file === "") {
      plainAnswer(response, { status: 404, text: `there is no mirror of ${path} here` });
      return;
    }
    try {
      await answer({ request, response, cache: options.cache }, await mirror.open(file, handedOn(request)));
    } catch (error) {
      refuse(options.log, { response, path, error });
    }
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly cache: BlockCache;
}

async function answer(exchange: Exchange, found: MirrorAnswer): Promise<void> {
  switch (found.kind) {
    case "bytes":
      sendBytes(exchange, found.body);
      return;
    case "stored":
      await sendStored(exchange, found);
      return;
    case "filling":
      await sendFilling(exchange, found);
      return;
    case "through":
      await sendThrough(exchange, found.response);
  }
}

/** Releases change under the same name: clients ask again each time and are told when nothing changed. */
function sendBytes({ request, response }: Exchange, body: Buffer): void {
  const etag = `"${createHash("sha256").update(body).digest("hex")}"`;
  const headers = { ETag: etag, "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache" };
  const condition = evaluatePreconditions(request.headers, { etag, modifiedAt: Number.POSITIVE_INFINITY });
  if (request.headers["if-none-match"] !== undefined && condition === "not-modified") {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, "Content-Length": body.length });
  response.end(request.method === "HEAD" ? undefined : body);
}

interface Content {
  readonly sha256: string;
}

async function sendStored(
  exchange: Exchange,
  { path, sha256 }: Content & { readonly path: string },
): Promise<void> {
  const found = await stat(path);
  // The time of use is kept in the file's own time; the content never changes, its time of change is of no interest.
  const file = { path, size: found.size, modifiedAt: found.mtimeMs, etag: sha256 };
  await serveFile({ ...exchange, file, type: "application/octet-stream" });
}

async function sendFilling(
  exchange: Exchange,
  { fill, sha256 }: Content & { readonly fill: Fill },
): Promise<void> {
  const { request, response } = exchange;
  if (request.headers.range !== undefined) {
    await sendStored(exchange, { path: await fill.done, sha256 });
    return;
  }
  await begun(fill);
  const total = await fill.total;
  response.writeHead(200, {
    "Content-Type": "application/octet-stream",
    "Accept-Ranges": "bytes",
    ETag: `"${sha256}"`,
    "Content-Length": total,
  });
  if (request.method === "HEAD") response.end();
  else await followFill({ response, fill, total });
}

/** Waits for the first byte, so that a refusal of the archive still becomes a status. */
async function begun(fill: Fill): Promise<void> {
  while (fill.progress().state === "running" && fill.progress().written === 0) {
    await new Promise<void>((resolve) => {
      const stop = fill.onProgress(() => {
        stop();
        resolve();
      });
    });
  }
  if (fill.progress().state === "failed") await fill.done;
}

async function sendThrough({ request, response }: Exchange, upstream: IncomingMessage): Promise<void> {
  const headers: Record<string, string> = {};
  for (const name of PASSED_BACK) {
    const value = upstream.headers[name];
    if (typeof value === "string") headers[titleCase(name)] = value;
  }
  response.writeHead(upstream.statusCode ?? 502, headers);
  if (request.method === "HEAD") {
    upstream.destroy();
    response.end();
    return;
  }
  await pipeline(upstream, response).catch(() => response.destroy());
}

function refuse(
  log: Log,
  { response, path, error }: { response: ServerResponse; path: string; error: unknown },
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error instanceof NotFoundError) {
    plainAnswer(response, { status: 404, text: error.message });
    return;
  }
  const reason = error instanceof MusterError ? error.message : "internal error";
  log.warn({ path, ...(error instanceof MusterError ? { reason } : { error }) }, "the mirror cannot answer");
  plainAnswer(response, { status: error instanceof MusterError ? 502 : 500, text: reason });
}

function handedOn(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of HANDED_ON) {
    const value = request.headers[name];
    if (typeof value === "string") headers[titleCase(name)] = value;
  }
  return headers;
}

/** H-08: header names in the form every boot firmware knows. */
function titleCase(name: string): string {
  return name === "etag" ? "ETag" : name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
