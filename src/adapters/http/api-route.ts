/**
 * One route of the API as a value: where it is, who may call it, what goes in and out, and what it does. The express
 * router, the permission check, the audit trail and the OpenAPI document are all made from the same list of these.
 */
import type { Readable } from "node:stream";
import type { z } from "zod";
import { faultsOf } from "../../domain/faults.ts";
import { MAX_NESTING, nestsTooDeep } from "../../domain/nesting.ts";
import type { Permission } from "../../services/permissions.ts";
import type { Principal } from "./principal.ts";
import type { Problem } from "./problem.ts";
import type { Feed } from "./sse.ts";

export type Method = "get" | "post" | "patch" | "delete";

/** What a handler is given: everything already parsed. */
export interface Call<Query, Body> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly principal: Principal;
  /** Revision that `If-Match` names; undefined when the caller did not send it. */
  readonly ifMatch: number | undefined;
  readonly lastEventId: number | undefined;
  /** Whether the caller would rather have plain text than JSON. */
  readonly wantsText: boolean;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

/** What a handler answers with. */
export type Reply =
  | {
      readonly kind: "json";
      readonly status?: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: "text"; readonly contentType: string; readonly body: string }
  | { readonly kind: "empty" }
  | { readonly kind: "file"; readonly stream: Readable; readonly filename: string }
  | { readonly kind: "feed"; readonly feed: Feed }
  | { readonly kind: "problem"; readonly problem: Problem };

/** How one successful answer looks, for the document. */
export interface ResponseDoc {
  readonly description: string;
  /** Name of a schema in the document's components, or the media type of something that is not JSON. */
  readonly schema?: string;
  readonly contentType?: string;
}

export interface RouteDoc {
  /** Unique; the audit trail and clients made from the document use it. */
  readonly id: string;
  readonly summary: string;
  readonly tag: string;
  readonly success: Readonly<Record<number, ResponseDoc>>;
  /** An example body that must pass the schema. */
  readonly example?: unknown;
}

interface RouteBase extends RouteDoc {
  readonly method: Method;
  /** Below /api/v1, parameters in braces: `/machines/{name}`. */
  readonly path: string;
  /** What the caller's role must hold; "anyone" needs no token. */
  readonly permission: Permission | "anyone";
  /** A reading that is on record like a change: what it hands out is secret. */
  readonly audited?: boolean;
  /** Largest body taken, where the usual limit is too small. */
  readonly maxBodyBytes?: number;
}

/** A route with the types of its query and body erased. */
export interface ApiRoute extends RouteBase {
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly run: (call: Call<unknown, unknown>) => Promise<Reply>;
}

export interface RouteSpec<Query extends z.ZodType, Body extends z.ZodType> extends RouteBase {
  readonly query?: Query;
  readonly body?: Body;
  readonly handle: (call: Call<z.output<Query>, z.output<Body>>) => Promise<Reply> | Reply;
}

/** Makes a route whose handler only ever sees a query and a body that fit their schemas. */
export function route<Query extends z.ZodType = z.ZodUndefined, Body extends z.ZodType = z.ZodUndefined>(
  spec: RouteSpec<Query, Body>,
): ApiRoute {
  const { handle, ...rest } = spec;
  return {
    ...rest,
    run: async (call) => {
      const query = parsed("query", spec.query, call.query);
      if (!query.ok) return query.reply;
      const body = parsed("body", spec.body, call.body);
      if (!body.ok) return body.reply;
      return handle({ ...call, query: query.value, body: body.value });
    },
  };
}

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reply: Reply };

function parsed<S extends z.ZodType>(
  what: "query" | "body",
  schema: S | undefined,
  input: unknown,
): Parsed<z.output<S>> {
  // A route that declares no schema takes nothing, and its handler's type says undefined.
  if (!schema) return { ok: true, value: undefined as z.output<S> };
  if (nestsTooDeep(input)) {
    const detail = `the ${what} is nested more than ${MAX_NESTING} deep`;
    return { ok: false, reply: problem({ code: "invalid", detail }) };
  }
  const result = schema.safeParse(input ?? {});
  if (result.success) return { ok: true, value: result.data };
  const faults = faultsOf(result.error, schema, input);
  const first = faults[0];
  const where = first?.path === "" || first === undefined ? `the ${what}` : first.path;
  return {
    ok: false,
    reply: problem({
      code: what === "query" ? "bad-request" : "invalid",
      detail: `${where}: ${first?.message ?? "does not fit"}`,
      faults,
    }),
  };
}

/** A JSON reply. */
export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return { kind: "json", status, body, headers };
}

/** A reply that says why not. */
export function problem(value: Problem): Reply {
  return { kind: "problem", problem: value };
}
