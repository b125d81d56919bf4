/** Turns what a schema complains about into faults a person can act on: a path, what was expected, the likely slip. */
import { z } from "zod";
import type { Fault } from "./errors.ts";
import { closest } from "./suggest.ts";

type Issue = z.core.$ZodIssue;
type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * One fault for each thing wrong in a value that did not fit its schema. Paths are written `install.disk.match` and
 * `interfaces[0].mac`. An unknown key names the nearest known one at the same place.
 */
export function faultsOf(error: z.ZodError, schema: z.ZodType): readonly Fault[] {
  return complaintsOf(error, schema).map(({ path, message }) => ({ path: pathText(path), message }));
}

/** A fault whose path is still in steps, for whoever knows where each of them was written. */
export interface Complaint {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The same as {@link faultsOf}, one step earlier. */
export function complaintsOf(error: z.ZodError, schema: z.ZodType): readonly Complaint[] {
  const shape = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return error.issues.flatMap((issue) => complaintsOfIssue(issue, [], shape));
}

function complaintsOfIssue(issue: Issue, prefix: readonly PropertyKey[], shape: JsonSchema): Complaint[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(shape, path);
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, known) }));
  }
  if (issue.code === "invalid_union") {
    const branch = nearestBranch(issue.errors);
    if (branch) return branch.flatMap((inner) => complaintsOfIssue(inner, path, shape));
  }
  const missing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return [{ path, message: missing ? "is required" : issue.message }];
}

function unknownKey(key: string, known: ReadonlySet<string>): string {
  const near = closest(key, known);
  if (near !== undefined) return `unknown key "${key}"; did you mean "${near}"?`;
  return known.size === 0
    ? `unknown key "${key}"`
    : `unknown key "${key}"; known are ${[...known].join(", ")}`;
}

/** The alternative the writer most likely meant: the one whose complaints lie deepest, so its outer form fitted. */
function nearestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const depth = (issues: readonly Issue[]): number =>
    Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === "invalid_type" ? 0 : 0.5)));
  return [...branches].sort((a, b) => depth(b) - depth(a))[0];
}

function keysAt(shape: JsonSchema, path: readonly PropertyKey[]): ReadonlySet<string> {
  let here: readonly JsonSchema[] = alternatives(shape);
  for (const step of path) here = here.flatMap((one) => stepInto(one, step)).flatMap(alternatives);
  return new Set(here.flatMap((one) => Object.keys(one.properties ?? {})));
}

function stepInto(shape: JsonSchema, step: PropertyKey): JsonSchema[] {
  if (typeof step === "number") {
    return [...(shape.prefixItems ?? []), shape.items].flat().filter(isSchema);
  }
  return [shape.properties?.[String(step)], shape.additionalProperties].filter(isSchema);
}

function alternatives(shape: JsonSchema): JsonSchema[] {
  const inner = [...(shape.anyOf ?? []), ...(shape.oneOf ?? []), ...(shape.allOf ?? [])];
  return [shape, ...inner.filter(isSchema).flatMap(alternatives)];
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null;
}

/** `install.disk.match`, `interfaces[0].mac` */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return text === "" ? String(step) : `${text}.${String(step)}`;
  }, "");
}
