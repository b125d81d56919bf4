/** What a schema found wrong with one value, in words for the person who wrote it. */
import type { z } from "zod";
import { closest } from "./suggest.ts";

type Issue = z.core.$ZodIssue;

/** What the library says by itself; a message that begins otherwise was written for people already. */
const GENERIC = /^(?:Invalid |Too small|Too big)/;
const TYPES: Readonly<Record<string, string>> = {
  object: "keys and values",
  record: "keys and values",
  array: "a list",
  tuple: "a list",
  int: "a whole number",
  number: "a number",
  string: "a text",
  boolean: "true or false",
};
const SIZES: Readonly<Record<string, string>> = { string: "character", array: "entry", set: "entry" };
const PLURALS: Readonly<Record<string, string>> = { character: "characters", entry: "entries" };

/**
 * What was expected, what was found, and which of the known words was probably meant.
 * @param found the value itself; undefined when it is missing, or not known to the caller
 */
export function complaintWords(issue: Issue, found?: unknown): string {
  if (!GENERIC.test(issue.message)) return issue.message;
  if (issue.code === "invalid_type" && issue.message.endsWith("received undefined")) return "is required";
  if (issue.code === "invalid_value") return choiceWords(issue.values.map(String), found);
  if (issue.code === "invalid_key") return keyWords(issue.issues[0]);
  return `${expectation(issue)}${shown(found)}`;
}

function expectation(issue: Issue): string {
  if (issue.code === "invalid_type") return `expected ${TYPES[issue.expected] ?? issue.expected}`;
  if (issue.code === "too_small")
    return `expected ${issue.inclusive === false ? "more than" : "at least"} ${sized(issue.minimum, issue.origin)}`;
  if (issue.code === "too_big")
    return `expected ${issue.inclusive === false ? "less than" : "at most"} ${sized(issue.maximum, issue.origin)}`;
  if (issue.code === "invalid_format")
    return issue.format === "starts_with" && "prefix" in issue
      ? `expected a text that begins with ${String(issue.prefix)}`
      : "does not have the form that is expected";
  return issue.code === "invalid_union" ? "fits none of the forms that are known" : issue.message;
}

function keyWords(inner: Issue | undefined): string {
  const why = inner && !GENERIC.test(inner.message) ? `: ${inner.message}` : "";
  return `is no name that can stand here${why}`;
}

/** `3 entries`, `1 character`, or the number alone. */
function sized(limit: number | bigint, origin: string): string {
  const thing = SIZES[origin];
  if (thing === undefined) return String(limit);
  return `${limit} ${Number(limit) === 1 ? thing : (PLURALS[thing] ?? thing)}`;
}

function choiceWords(values: readonly string[], found: unknown): string {
  const near = typeof found === "string" ? closest(found, values) : undefined;
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  return `expected ${listed(values)}${shown(found)}${hint}`;
}

/** `largest, smallest or only` */
function listed(values: readonly string[]): string {
  if (values.length < 2) return values.join("");
  return `${values.slice(0, -1).join(", ")} or ${values.at(-1) ?? ""}`;
}

/** `, found …`; nothing when it is missing or not known. */
export function shown(found: unknown): string {
  if (found === undefined) return "";
  if (typeof found === "number" && Number.isNaN(found)) return ", found no number";
  const text = JSON.stringify(found);
  return `, found ${text.length > 60 ? `${text.slice(0, 57)}…` : text}`;
}
