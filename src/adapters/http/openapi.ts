/** The OpenAPI 3.1 document, made from the very route list and schemas that serve the requests. */
import { z } from "zod";
import type { ApiRoute } from "./api-route.ts";
import { COMPONENTS } from "./openapi-components.ts";
import { PROBLEM_CODES } from "./problem.ts";

type Json = Readonly<Record<string, unknown>>;

export interface OpenApiOptions {
  readonly routes: readonly ApiRoute[];
  readonly version: string;
}

/** A complete document for a list of routes; plain JSON. */
export function openApiDocument({ routes, version }: OpenApiOptions): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "Muster",
      version,
      description: "Bootstrap appliance: machines, their installations, and what serves them.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/api/v1" }],
    security: [{ token: [] }],
    tags: [...new Set(routes.map((each) => each.tag))].map((name) => ({ name })),
    paths: pathsOf(routes),
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer", description: "An API token" } },
      schemas: Object.fromEntries(
        Object.entries(COMPONENTS).map(([name, schema]) => [name, outputSchema(schema)]),
      ),
      responses: {
        Problem: {
          description: `A problem (RFC 9457); its code is one of ${PROBLEM_CODES.join(", ")}`,
          content: { "application/problem+json": { schema: reference("Problem") } },
        },
      },
    },
  };
}

function pathsOf(routes: readonly ApiRoute[]): Json {
  const paths = new Map<string, Record<string, unknown>>();
  for (const each of routes) {
    const path = paths.get(each.path) ?? {};
    path[each.method] = operationOf(each);
    paths.set(each.path, path);
  }
  return Object.fromEntries(paths);
}

function operationOf(each: ApiRoute): Json {
  return {
    operationId: each.id,
    summary: each.summary,
    tags: [each.tag],
    "x-permission": each.permission,
    ...(each.permission === "anyone" ? { security: [] } : {}),
    parameters: [...pathParameters(each.path), ...queryParameters(each.query)],
    ...(each.body ? { requestBody: requestBody(each) } : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(each.success).map(([status, reply]) => [
          status,
          { description: reply.description, ...contentOf(reply) },
        ]),
      ),
      default: { $ref: "#/components/responses/Problem" },
    },
  };
}

function pathParameters(path: string): readonly Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: z.ZodType | undefined): readonly Json[] {
  if (!query) return [];
  const { properties = {}, required = [] } = inputSchema(query) as {
    properties?: Record<string, Json>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

function requestBody(each: ApiRoute): Json {
  return {
    required: true,
    content: {
      "application/json": {
        schema: inputSchema(each.body ?? z.strictObject({})),
        ...(each.example === undefined ? {} : { example: each.example }),
      },
    },
  };
}

function contentOf(reply: ApiRoute["success"][number]): Json {
  if (reply.schema !== undefined) {
    return { content: { "application/json": { schema: reference(reply.schema) } } };
  }
  return reply.contentType === undefined
    ? {}
    : { content: { [reply.contentType]: { schema: { type: "string" } } } };
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

function inputSchema(schema: z.ZodType): Json {
  return bare(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
}

/** Answers may gain fields in later versions, so their schemas do not forbid what they do not name. */
function outputSchema(schema: z.ZodType): Json {
  return bare(
    z.toJSONSchema(schema, {
      io: "input",
      unrepresentable: "any",
      override: ({ jsonSchema }) => {
        delete jsonSchema.additionalProperties;
      },
    }),
  );
}

/** The dialect is the document's own: OpenAPI 3.1 implies JSON Schema 2020-12. */
function bare(schema: object): Json {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== "$schema"));
}
