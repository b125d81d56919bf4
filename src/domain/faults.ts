/** Turns what a schema complains about into faults a person can act on: a path, what was expected, the likely slip. */
import { z } from "zod";
import { complaintWords } from "./complaint-words.ts";
import type { Fault } from "./errors.ts";
import { closest } from "./suggest.ts";
import { pathText, valueAt } from "./value-path.ts";

type Issue = z.core.$ZodIssue;
type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Made once for each schema: it takes milliseconds, and one body may be wrong in thousands of places. */
const shapes = new WeakMap<z.ZodType, JsonSchema>();

/**
 * One fault for each thing wrong in a value that did not fit its schema. Paths are written `install.disk.match` and
 * `interfaces[0].mac`. An unknown key or word names the nearest known one at the same place.
 */
export function faultsOf(error: z.ZodError, schema: z.ZodType, value?: unknown): readonly Fault[] {
  return complaintsOf(error, schema, value).map(({ path, message }) => ({ path: pathText(path), message }));
}

/** A fault whose path is still in steps, for whoever knows where each of them was written. */
export interface Complaint {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The same as {@link faultsOf}, one step earlier. With the value that was parsed, what was found is told too. */
export function complaintsOf(error: z.ZodError, schema: z.ZodType, value?: unknown): readonly Complaint[] {
  const shape = shapeOf(schema);
  return error.issues.flatMap((issue) => complaintsOfIssue(issue, [], { shape, value }));
}

function shapeOf(schema: z.ZodType): JsonSchema {
  const known = shapes.get(schema) ?? z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  shapes.set(schema, known);
  return known;
}

interface Parsed {
  readonly shape: JsonSchema;
  readonly value: unknown;
}

function complaintsOfIssue(issue: Issue, prefix: readonly PropertyKey[], parsed: Parsed): Complaint[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(parsed.shape, path);
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, known) }));
  }
  if (issue.code === "invalid_union") {
    const branch = nearestBranch(issue.errors);
    if (branch) return branch.flatMap((inner) => complaintsOfIssue(inner, path, parsed));
  }
  return [{ path, message: complaintWords(issue, valueAt(parsed.value, path)) }];
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
