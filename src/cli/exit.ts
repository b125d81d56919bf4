/** Exit codes, and how a failure is told. */
import { CommanderError } from "commander";
import { type ErrorCode, MusterError } from "../domain/errors.ts";
import { formatFault } from "./fault-text.ts";

export const EXIT = { ok: 0, failed: 1, usage: 2, badConfig: 78, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command that did its work and found that the answer is no; the reason has been printed already. */
export class NegativeResult extends Error {
  override readonly name = "NegativeResult";
}

/** A command line that cannot be carried out as written. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The user ended a command that would have gone on. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** The exit code of whatever ended a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError) return EXIT.usage;
  if (isInterruption(error)) return EXIT.interrupted;
  return isBadConfig(error) ? EXIT.badConfig : EXIT.failed;
}

/** The lines that tell what went wrong, with every fault and a hint; none when it has been said already. */
export function failureLines(error: unknown): readonly string[] {
  if (error instanceof CommanderError || error instanceof NegativeResult || isInterruption(error)) return [];
  if (!(error instanceof Error)) return [`muster: ${String(error)}`];
  const faults = error instanceof MusterError ? error.faults : [];
  const hint = "hint" in error && typeof error.hint === "string" ? [`hint: ${error.hint}`] : [];
  // A problem document repeats its only fault as its detail.
  const repeated = faults.length === 1 && faults[0] && error.message.includes(faults[0].message);
  return [
    `muster: ${isForeseen(error) ? error.message : (error.stack ?? error.message)}`,
    ...(repeated ? [] : faults.map((fault) => `  ${formatFault(fault)}`)),
    ...hint,
  ];
}

/** What nobody foresaw is shown with its stack: it is a fault of the program, and whoever mends it needs that. */
function isForeseen(error: Error): boolean {
  return error instanceof MusterError || error instanceof UsageError || "code" in error;
}

/** A configuration of this host, or documents that the appliance refused: what was written is wrong, not the world. */
function isBadConfig(error: unknown): boolean {
  const code: ErrorCode = "bad-config";
  if (!(error instanceof MusterError)) return false;
  return "problem" in error ? error.problem === code : error.code === code;
}

/** Besides our own error, what Node throws out of a wait that the user's signal ended. */
export function isInterruption(error: unknown): boolean {
  return error instanceof Interrupted || (error instanceof Error && error.name === "AbortError");
}
