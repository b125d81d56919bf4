/** Puts a list of routes on an express router: admission, permission, parsing, reply, audit. */
import { pipeline } from "node:stream/promises";
import express, { type Request, type RequestHandler, type Response, type Router } from "express";
import { MusterError } from "../../domain/errors.ts";
import type { EventSink } from "../../services/ports.ts";
import { type ApiRoute, type Call, problem, type Reply } from "./api-route.ts";
import { admit, lackOf, type Principal, remoteAddress, type Trust } from "./principal.ts";
import { problemOf, sendProblem } from "./problem.ts";
import { streamFeed } from "./sse.ts";

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
  const parseBody = express.json({ limit: MAX_BODY_BYTES, inflate: false, type: () => true });
  for (const each of options.routes) {
    router[each.method](
      expressPath(each.path),
      admission(each, options),
      parseBody,
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
    const problem =
      admitted.kind === "refused" ? admitted.problem : lackOf(admitted.principal, each.permission);
    if (problem) {
      sendProblem(response, problem);
      return;
    }
    if (admitted.kind === "admitted") response.locals.principal = admitted.principal;
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
    const reply = await outcome(each, call);
    if (each.method !== "get") audit(each, { request, principal, reply }, options.events);
    await send(response, reply, signal);
  };
}

async function outcome(each: ApiRoute, call: Call<unknown, unknown>): Promise<Reply> {
  try {
    return await each.run(call);
  } catch (error) {
    if (error instanceof MusterError) return problem(problemOf(error));
    throw error;
  }
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

/** Every change asked for over the API is on record, done or refused. Machines' own timelines say what came of it. */
function audit(
  each: ApiRoute,
  what: { readonly request: Request; readonly principal: Principal; readonly reply: Reply },
  events: EventSink,
): void {
  const { request, principal, reply } = what;
  const refusal = reply.kind === "problem" ? reply.problem.code : undefined;
  events.record({
    type: `api.${each.id}`,
    source: principal.source,
    level: refusal === undefined ? "info" : "warning",
    message: `${request.method} ${request.baseUrl}${request.path}: ${refusal ?? "done"}`,
    data: { ...request.params, from: remoteAddress(request) },
  });
}

async function send(response: Response, reply: Reply, signal: AbortSignal): Promise<void> {
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
      await streamFeed(response, reply.feed, { signal });
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
