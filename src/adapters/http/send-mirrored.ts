/** Sends what a mirror has found: from disk, while it arrives, or handed through. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { evaluatePreconditions } from "../../protocol/http/preconditions.ts";
import type { Fill } from "../assets/fill.ts";
import type { MirrorAnswer } from "../assets/mirror.ts";
import type { BlockCache } from "./block-cache.ts";
import { followFill } from "./follow-fill.ts";
import { serveFile } from "./static-files.ts";

const PASSED_BACK = [
  "content-type",
  "content-length",
  "content-range",
  "last-modified",
  "etag",
  "accept-ranges",
];

/** A request, and what its answer is read through. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly cache: BlockCache;
  /** Headers of the answer besides those that follow from its content. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends what was found; resolves when the answer is complete or the client is gone. */
export async function sendMirrored(exchange: Exchange, found: MirrorAnswer): Promise<void> {
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
  for (const [name, value] of Object.entries(exchange.headers ?? {}))
    exchange.response.setHeader(name, value);
  await serveFile({ ...exchange, file, type: "application/octet-stream" });
}

async function sendFilling(
  exchange: Exchange,
  { fill, sha256 }: Content & { readonly fill: Fill },
): Promise<void> {
  const { request, response, headers } = exchange;
  if (request.headers.range !== undefined) {
    await sendStored(exchange, { path: await fill.done, sha256 });
    return;
  }
  await begun(fill);
  const total = await fill.total;
  response.writeHead(200, {
    ...headers,
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

/** H-08: header names in the form every boot firmware knows. */
export function titleCase(name: string): string {
  return name === "etag" ? "ETag" : name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
