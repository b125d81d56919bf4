/** What the schema found wrong, said for the person who wrote it: where, what was expected, what was probably meant. */
import type { z } from "zod";
import { complaintWords, shown } from "../domain/complaint-words.ts";
import type { Fault } from "../domain/errors.ts";
import { closest } from "../domain/suggest.ts";
import { pathText, valueAt } from "../domain/value-path.ts";
import { nodeAt } from "./settings.ts";
import type { Origin } from "./source.ts";

type Issue = z.core.$ZodIssue;

/**
 * The schema's issues as faults with their place.
 * @param input the merged raw values, for showing what was found.
 * @param originOf where a path was written.
 */
export function faultsOf(
  issues: readonly Issue[],
  input: unknown,
  originOf: (path: readonly PropertyKey[]) => Origin,
): readonly Fault[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownKey(issue.path, key, originOf([...issue.path, key])));
    }
    const found = valueAt(input, issue.path);
    return [located(issue.path, originOf(issue.path), expectation(issue, found))];
  });
}

/** A fault at a path, with file, line and column where its origin has them. */
export function located(path: readonly PropertyKey[], origin: Origin, message: string): Fault {
  const name = pathText(path);
  if (origin.kind === "file") {
    return { path: name, message, file: origin.file, line: origin.line, column: origin.column };
  }
  if (origin.kind === "environment") return { path: name, message, file: origin.variable };
  if (origin.kind === "flag") return { path: name, message, file: origin.flag };
  return { path: name, message };
}

/** `; did you mean "…"?`, or nothing when no candidate is near. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const candidate = closest(word, candidates);
  return candidate === undefined ? "" : `; did you mean "${candidate}"?`;
}

function unknownKey(parent: readonly PropertyKey[], key: string, origin: Origin): Fault {
  const known = Object.keys(nodeAt(parent)?.properties ?? {});
  const hint = didYouMean(key, known) || `; known here: ${known.join(", ")}`;
  return located([...parent, key], origin, `unknown key${hint}`);
}

/** A message that was written for people says what is expected; what was found belongs to it. */
function expectation(issue: Issue, found: unknown): string {
  const words = complaintWords(issue, found);
  return words === issue.message ? `${words}${shown(found)}` : words;
}
