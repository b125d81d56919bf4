/** The OpenAPI document as a page to read: no script, no viewer from elsewhere. */
import { z } from "zod";
import type { ApiRoute } from "./api-route.ts";
import { PROBLEM_CODES, statusOf, titleOf } from "./problem.ts";

type Context = Readonly<Record<string, unknown>>;

/** What the page shows of the routes: by tag, in their order. */
export function docsModel(routes: readonly ApiRoute[]): Context {
  const tags = [...new Set(routes.map((each) => each.tag))];
  return {
    session: false,
    tags: tags.map((tag) => ({ tag, operations: routes.filter((each) => each.tag === tag).map(operation) })),
    problems: PROBLEM_CODES.map((code) => ({ code, status: statusOf(code), title: titleOf(code) })),
  };
}

function operation(each: ApiRoute): Context {
  return {
    id: each.id,
    method: each.method.toUpperCase(),
    path: `/api/v1${each.path}`,
    summary: each.summary,
    permission: each.permission,
    parameters: each.query ? fieldsOf(each.query) : [],
    fields: each.body ? fieldsOf(each.body) : [],
    example: each.example ?? false,
    answers: Object.entries(each.success).map(([status, { description }]) => ({ status, description })),
  };
}

interface Field {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

function fieldsOf(schema: z.ZodType): readonly Field[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, property]) => ({
    name,
    type: typeof property === "object" ? typeText(property) : "any",
    required: required.includes(name),
    description: typeof property === "object" ? (property.description ?? "") : "",
  }));
}

function typeText(schema: z.core.JSONSchema.BaseSchema): string {
  if (schema.enum) return schema.enum.map(String).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices)
    return [...new Set(choices.map((one) => (typeof one === "object" ? typeText(one) : "any")))].join(" or ");
  return [schema.type ?? "any"].flat().join(" or ");
}
