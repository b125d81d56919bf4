/** Puts a list of routes on an express router: admission, permission, parsing, reply, audit. */
import { pipeline } from "node:stream/promises";
import express, { type Request, type RequestHandler, type Response, type Router } from "express";
import type { EventSink } from "../../services/ports.ts";
import type { ApiRoute, Call, Reply } from "./api-route.ts";
import { perform } from "./perform.ts";
import { admit, type Principal, stillAllowed, type Trust } from "./principal.ts";
import { sendProblem } from "./problem.ts";
import { type FeedOptions, streamFeed } from "./sse.ts";

const MAX_BODY_BYTES = 256 * 1024;

export interface MountOptions {
  readonly routes: readonly ApiRoute[];
  readonly trust: Trust;
  readonly events: EventSink;
  /** Ends the long answers (feeds, waits) when the appliance stops. */
  readonly stopping: AbortSignal;
}

/** A router that answers exactly these routes; other methods on their paths get 405. */
export function mountRoutes(options: MountOptions): Router {
  const router = express.Router({ caseSensitive: true });
  for (const each of options.routes) {
    const limit = each.maxBodyBytes ?? MAX_BODY_BYTES;
    router[each.method](
      expressPath(each.path),
      admission(each, options),
      express.json({ limit, inflate: false, type: () => true }),
      handlerOf(each, options),
    );
  }
  for (const [path, methods] of methodsByPath(options.routes)) {
    router.all(path, (request, response) => {
      sendProblem(response, {
        code: "method-not-allowed",
        detail: `${request.path} answers ${methods.join(", ")}`,
        headers: { Allow: methods.join(", ") },
      });
    });
  }
  return router;
}

/** Admission comes before the body is read: strangers cannot make the appliance parse anything. */
function admission(each: ApiRoute, options: MountOptions): RequestHandler {
  return (request, response, next) => {
    if (each.permission === "anyone") {
      next();
      return;
    }
    const admitted = admit(request, options.trust);
    if (admitted.kind === "refused") {
      sendProblem(response, admitted.problem);
      return;
    }
    response.locals.principal = admitted.principal;
    next();
  };
}

const ANYONE: Principal = { kind: "token", name: "anyone", role: "viewer", source: "api:anyone" };

function handlerOf(each: ApiRoute, options: MountOptions): RequestHandler {
  return async (request, response) => {
    const principal = (response.locals.principal as Principal | undefined) ?? ANYONE;
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, options.stopping]);
    const call = callOf(request, principal, signal);
    if (call === undefined) {
      sendProblem(response, { code: "bad-request", detail: 'If-Match must be a revision like "7"' });
      return;
    }
    const reply = await perform(each, { call, request, events: options.events });
    await send(response, reply, { signal, allowed: () => stillAllowed(options.trust, principal) });
  };
}

function callOf(
  request: Request,
  principal: Principal,
  signal: AbortSignal,
): Call<unknown, unknown> | undefined {
  const ifMatch = revisionOf(request.get("if-match"));
  if (ifMatch === "unreadable") return undefined;
  return {
    params: request.params as Record<string, string>,
    query: request.query,
    body: request.body as unknown,
    principal,
    ifMatch,
    lastEventId: wholeNumber(request.get("last-event-id")),
    wantsText: request.accepts(["application/json", "text/plain"]) === "text/plain",
    signal,
  };
}

function revisionOf(header: string | undefined): number | "unreadable" | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const match = /^(?:W\/)?"?(\d{1,15})"?$/.exec(header.trim());
  return match ? Number(match[1]) : "unreadable";
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

async function send(response: Response, reply: Reply, options: FeedOptions): Promise<void> {
  response.set("Cache-Control", "no-store");
  switch (reply.kind) {
    case "json":
      response
        .status(reply.status ?? 200)
        .set(reply.headers ?? {})
        .json(reply.body);
      return;
    case "text":
      response.type(reply.contentType).send(reply.body);
      return;
    case "empty":
      response.status(204).end();
      return;
    case "file":
      response.attachment(reply.filename).type("application/octet-stream");
      await pipeline(reply.stream, response);
      return;
    case "feed":
      await streamFeed(response, reply.feed, options);
      return;
    case "problem":
      sendProblem(response, reply.problem);
  }
}

/** `/machines/{name}` as express writes it: `/machines/:name`. */
export function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

function methodsByPath(routes: readonly ApiRoute[]): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>();
  for (const each of routes) {
    const path = expressPath(each.path);
    methods.set(path, [...(methods.get(path) ?? []), each.method.toUpperCase()]);
  }
  return methods;
}
