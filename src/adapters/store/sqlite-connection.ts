/** One SQLite file: opened, locked for this process, brought to the present schema, and made to speak in promises. */
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { MusterError } from "../../domain/errors.ts";
import { MIGRATIONS, type Migration } from "./migrations.ts";
import { explainSqliteError } from "./sqlite-errors.ts";

export interface SqliteConnection {
  readonly file: string;
  readonly database: Database.Database;
  /** Runs statements now; what they throw becomes a rejection with a sentence about the file. */
  readonly run: <T>(work: () => T) => Promise<T>;
  /** The same in one durable transaction: all of it or nothing. */
  readonly transact: <T>(work: () => T) => Promise<T>;
}

export interface SqliteOptions {
  readonly file: string;
  /** Steps of the schema; another list only in tests. */
  readonly migrations?: readonly Migration[];
  /** How long to wait for another process that holds the file, in milliseconds. */
  readonly lockTimeout?: number;
  /** Largest size of the file in pages of 4 KiB; without a limit when left out. */
  readonly maxPages?: number;
}

/** Pages of 4 KiB in the write-ahead log before they are moved to the file: 32 MiB, read again in a tenth of a second. */
const CHECKPOINT_PAGES = 8192;

/**
 * Opens the database, makes it when it is absent.
 * @throws MusterError `unavailable` when the file is held, damaged, not writable, or of a newer schema.
 */
export function openConnection(options: SqliteOptions): SqliteConnection {
  const { file, migrations = MIGRATIONS, lockTimeout = 1000 } = options;
  const database = explaining(file, () => openFile(file, lockTimeout));
  try {
    explaining(file, () => prepare(database, file, migrations));
    if (options.maxPages !== undefined) database.pragma(`max_page_count = ${options.maxPages}`);
  } catch (error) {
    database.close();
    throw error;
  }
  const run = <T>(work: () => T): Promise<T> =>
    new Promise((resolve) => {
      resolve(explaining(file, work));
    });
  return { file, database, run, transact: (work) => run(() => database.transaction(work).immediate()) };
}

function explaining<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainSqliteError(error, file);
  }
}

function openFile(file: string, timeout: number): Database.Database {
  if (!existsSync(dirname(file))) mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const database = new Database(file, { timeout });
  // Hashes of credentials are inside; SQLite gives its journal files the same mode.
  chmodSync(file, 0o600);
  return database;
}

function prepare(database: Database.Database, file: string, migrations: readonly Migration[]): void {
  // Two appliances on one directory would hand out the same addresses: the lock is kept until the file is closed.
  database.pragma("locking_mode = EXCLUSIVE");
  database.pragma("journal_mode = WAL");
  // FULL makes every commit survive a power cut; NORMAL would lose the newest acknowledged leases.
  database.pragma("synchronous = FULL");
  // Leases fall on pages all over their table: a page written by many commits then goes to the file once.
  database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  database.pragma("foreign_keys = ON");
  database.exec("BEGIN IMMEDIATE; COMMIT");
  checkIntegrity(database, file);
  migrate(database, file, migrations);
}

function checkIntegrity(database: Database.Database, file: string): void {
  const finding = database.pragma("quick_check(1)", { simple: true });
  if (finding === "ok") return;
  // The first line of a finding only names the database.
  const detail = String(finding).split("\n").at(-1);
  throw new MusterError(
    "unavailable",
    `the database ${file} cannot be used: it is damaged (${detail ?? ""}): restore a backup with \`muster restore\``,
  );
}

function migrate(database: Database.Database, file: string, migrations: readonly Migration[]): void {
  const present = database.pragma("user_version", { simple: true }) as number;
  const newest = migrations.at(-1)?.version ?? 0;
  if (present > newest) {
    throw new MusterError(
      "unavailable",
      `the database ${file} was written by a newer Muster (schema ${present}, this one knows ${newest}): ` +
        "run that version, or restore a backup made by this one",
    );
  }
  for (const migration of migrations.filter(({ version }) => version > present)) {
    database.transaction(() => {
      database.exec(migration.sql);
      database.pragma(`user_version = ${migration.version}`);
    })();
  }
}
