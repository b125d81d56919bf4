/** `/mirror/debian/…`, `/mirror/kubernetes/…` and the others: the pull-through mirrors over HTTP. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { MusterError, NotFoundError } from "../../domain/errors.ts";
import type { Log } from "../../services/ports.ts";
import type { Mirror } from "../assets/mirror.ts";
import type { BlockCache } from "./block-cache.ts";
import { plainAnswer } from "./plain-answer.ts";
import { sendMirrored, titleCase } from "./send-mirrored.ts";

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
      await sendMirrored(
        { request, response, cache: options.cache },
        await mirror.open(file, handedOn(request)),
      );
    } catch (error) {
      refuse(options.log, { response, path, error });
    }
  };
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
