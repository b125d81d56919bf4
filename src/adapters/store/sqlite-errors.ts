/** SQLite's result codes as sentences that say what to do. */
import Database from "better-sqlite3";
import { ConflictError, MusterError } from "../../domain/errors.ts";

const ADVICE: readonly (readonly [prefix: string, advice: string])[] = [
  ["SQLITE_FULL", "the disk is full: free some space, nothing is lost"],
  ["SQLITE_BUSY", "another process holds it: is another muster serving from this data directory?"],
  ["SQLITE_LOCKED", "another process holds it: is another muster serving from this data directory?"],
  ["SQLITE_CORRUPT", "it is damaged: restore a backup with `muster restore`"],
  ["SQLITE_NOTADB", "it is not a database: restore a backup with `muster restore`, or move the file away"],
  ["SQLITE_READONLY", "it cannot be written: check owner and permissions of the file and its directory"],
  ["SQLITE_CANTOPEN", "it cannot be opened: check that its directory exists and may be written"],
  ["SQLITE_IOERR", "the disk reports an error: check it before anything else"],
];

/**
 * The error to hand on for whatever a statement threw: errors of this program as they are, a violated reference as
 * `conflict`, everything that SQLite reports as `unavailable` with advice.
 */
export function explainSqliteError(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  if (error.code === "SQLITE_CONSTRAINT_FOREIGNKEY") {
    return new ConflictError("the machine this belongs to does not exist");
  }
  if (error.code.startsWith("SQLITE_CONSTRAINT"))
    return new ConflictError(`the store refuses it: ${error.message}`);
  const advice = ADVICE.find(([prefix]) => error.code.startsWith(prefix))?.[1] ?? error.message;
  return new MusterError("unavailable", `the database ${file} cannot be used: ${advice}`, { cause: error });
}

/** Whether an error made by {@link explainSqliteError} says that another process holds the file. */
export function isHeldElsewhere(error: unknown): boolean {
  const cause = error instanceof MusterError ? error.cause : undefined;
  return cause instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(cause.code);
}
