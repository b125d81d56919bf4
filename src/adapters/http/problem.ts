/** Errors as the API writes them: `application/problem+json` (RFC 9457) with a stable `code`. */
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import type { ErrorCode, Fault } from "../../domain/errors.ts";
import { MusterError } from "../../domain/errors.ts";
import type { Log } from "../../services/ports.ts";
import { requestIdOf } from "./request-id.ts";

/** What every code means; docs/errors.md explains each. */
const PROBLEMS = {
  "bad-request": [400, "The request cannot be read"],
  invalid: [422, "The request does not fit what is expected"],
  "bad-config": [422, "The document is not valid"],
  unauthorised: [401, "A valid token is needed"],
  forbidden: [403, "This token may not do that"],
  "not-found": [404, "There is no such thing"],
  "method-not-allowed": [405, "This address does not know that method"],
  conflict: [409, "It contradicts something that exists"],
  "not-permitted-now": [409, "The machine's present state does not allow it"],
  refused: [409, "A guard refused it"],
  "precondition-failed": [412, "It has changed since it was read"],
  "too-large": [413, "The request is too large"],
  "unsupported-media-type": [415, "The body must be JSON"],
  "too-many-requests": [429, "Too many attempts"],
  internal: [500, "The appliance failed"],
  "render-failed": [500, "A document does not render"],
  "upstream-failed": [502, "An upstream server failed"],
  "not-verified": [502, "What an upstream sent cannot be trusted"],
  unavailable: [503, "Not available right now"],
} as const satisfies Record<string, readonly [number, string]> & Record<ErrorCode, readonly [number, string]>;

export type ProblemCode = keyof typeof PROBLEMS;
/** Every code the API can answer with. */
export const PROBLEM_CODES = Object.keys(PROBLEMS) as readonly ProblemCode[];

/** One problem as a value: what a handler returns when it cannot do as asked. */
export interface Problem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly faults?: readonly Fault[];
  readonly hint?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The HTTP status of a code. */
export function statusOf(code: ProblemCode): number {
  return PROBLEMS[code][0];
}

/** The short human title of a code. */
export function titleOf(code: ProblemCode): string {
  return PROBLEMS[code][1];
}

/** Answers with a problem. */
export function sendProblem(response: Response, problem: Problem): void {
  const [status, title] = PROBLEMS[problem.code];
  response
    .status(status)
    .set(problem.headers ?? {})
    .set("Cache-Control", "no-store")
    .type("application/problem+json")
    .send(
      JSON.stringify({
        type: `/docs#problem-${problem.code}`,
        title,
        status,
        code: problem.code,
        detail: problem.detail,
        ...(problem.faults?.length ? { faults: problem.faults } : {}),
        ...(problem.hint === undefined ? {} : { hint: problem.hint }),
        requestId: requestIdOf(response),
      }),
    );
}

/** Answers everything no route took. */
export const notFound: RequestHandler = (request, response) => {
  sendProblem(response, {
    code: "not-found",
    detail: `nothing answers ${request.method} ${request.path}`,
    hint: "/api/v1/openapi.json lists every address",
  });
};

/** The last resort of an app: turns what was thrown into a problem; what nobody expected is logged, not shown. */
export function errorHandler(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const problem = problemOf(error);
    if (problem.code === "internal" || problem.code === "render-failed") {
      log.error(
        { err: error, method: request.method, path: request.path, requestId: requestIdOf(response) },
        "request failed",
      );
    }
    if (response.headersSent) {
      next(error);
      return;
    }
    sendProblem(response, problem);
  };
}

/** The problem that a thrown value stands for. */
export function problemOf(error: unknown): Problem {
  if (error instanceof MusterError) {
    return { code: error.code, detail: error.message, faults: error.faults };
  }
  return (
    PARSER_FAULTS[parserFault(error) ?? ""] ?? {
      code: "internal",
      detail: "the appliance failed on this request",
      hint: "its log has the reason under this requestId",
    }
  );
}

const PARSER_FAULTS: Readonly<Partial<Record<string, Problem>>> = {
  "entity.parse.failed": { code: "bad-request", detail: "the body is no JSON object or list" },
  "entity.too.large": { code: "too-large", detail: "the body is larger than this address takes" },
  "charset.unsupported": { code: "unsupported-media-type", detail: "send JSON in UTF-8" },
  "encoding.unsupported": { code: "unsupported-media-type", detail: "send the body uncompressed" },
  "other-4xx": { code: "bad-request", detail: "the request cannot be read" },
};

/** What express and its parsers throw carries a `type`, or at least a 4xx `status` (a malformed %-escape). */
function parserFault(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { type, status } = error as { type?: unknown; status?: unknown };
  if (typeof type === "string" && PARSER_FAULTS[type]) return type;
  return typeof status === "number" && status >= 400 && status < 500 ? "other-4xx" : undefined;
}
