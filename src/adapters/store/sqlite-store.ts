/** The store in one SQLite file. */
import { MusterError } from "../../domain/errors.ts";
import type { Store, StoreHealth } from "../../services/store.ts";
import { assetTable } from "./asset-table.ts";
import { clusterTable } from "./cluster-table.ts";
import { eventTable } from "./event-table.ts";
import { identityTable } from "./identity-table.ts";
import { installerLogTable } from "./installer-log-table.ts";
import { leaseTable } from "./lease-table.ts";
import { machineTable } from "./machine-table.ts";
import { resourceTable } from "./resource-table.ts";
import { settingTable } from "./setting-table.ts";
import { openConnection, type SqliteConnection, type SqliteOptions } from "./sqlite-connection.ts";
import { explainSqliteError } from "./sqlite-errors.ts";
import { ticketTable } from "./ticket-table.ts";
import { tokenTable } from "./token-table.ts";

const HEALTH_KEY = "store.health";

/**
 * Opens the store in a file, made with its directory when absent.
 * @throws MusterError `unavailable` with one sentence that says what to do: held by another process, damaged, not
 * writable, or of a newer schema.
 */
export function openSqliteStore(options: SqliteOptions): Store {
  const connection = openConnection(options);
  const resources = resourceTable(connection);
  return {
    machines: machineTable(connection, (change) => {
      resources.apply(change);
    }),
    resources,
    leases: leaseTable(connection),
    events: eventTable(connection),
    tickets: ticketTable(connection),
    tokens: tokenTable(connection),
    assets: assetTable(connection),
    installerLog: installerLogTable(connection),
    settings: settingTable(connection),
    identities: identityTable(connection),
    clusters: clusterTable(connection),
    health: () => checkHealth(connection),
    backupTo: (file) => backUp(connection, file),
    close: () => connection.run(() => void connection.database.close()),
  };
}

// The probe needs free pages and a sync, like the largest of the real writes.
async function checkHealth({ database, transact }: SqliteConnection): Promise<StoreHealth> {
  try {
    return await transact(() => {
      database.prepare("INSERT OR REPLACE INTO settings VALUES (?, hex(zeroblob(32768)))").run(HEALTH_KEY);
      database.prepare("UPDATE settings SET value = 'true' WHERE key = ?").run(HEALTH_KEY);
      return { ok: true, schema: pragma(database, "user_version"), bytes: sizeOf(database) };
    });
  } catch (error) {
    return { ok: false, reason: error instanceof MusterError ? error.message : String(error) };
  }
}

async function backUp({ database, file }: SqliteConnection, target: string): Promise<void> {
  try {
    await database.backup(target);
  } catch (error) {
    throw explainSqliteError(error, file);
  }
}

function sizeOf(database: SqliteConnection["database"]): number {
  return pragma(database, "page_count") * pragma(database, "page_size");
}

function pragma(database: SqliteConnection["database"], name: string): number {
  return database.pragma(name, { simple: true }) as number;
}
