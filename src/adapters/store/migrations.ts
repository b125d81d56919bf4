/**
 * The schema of the database, as the ordered list of steps that lead to it. Steps only ever go forward and are never
 * edited after a release; a new one is added at the end. Column names are the field names of the records.
 */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE machines (
        name TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        document TEXT NOT NULL
      ) WITHOUT ROWID;

      CREATE TABLE leases (
        address TEXT PRIMARY KEY,
        client TEXT NOT NULL,
        mac TEXT,
        clientId TEXT,
        hostname TEXT,
        state TEXT NOT NULL CHECK (state IN ('bound', 'released', 'declined')),
        startsAt INTEGER NOT NULL,
        expiresAt INTEGER NOT NULL,
        giaddr TEXT,
        circuitId TEXT
      ) WITHOUT ROWID;

      CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        type TEXT NOT NULL,
        machine TEXT,
        mac TEXT,
        source TEXT NOT NULL,
        level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'alarm')),
        message TEXT NOT NULL,
        data TEXT
      );
      CREATE INDEX events_by_machine ON events (machine, id) WHERE machine IS NOT NULL;
      CREATE INDEX events_by_mac ON events (mac, id) WHERE mac IS NOT NULL;
      CREATE INDEX events_by_level ON events (level, id) WHERE level <> 'info';

      CREATE TABLE tickets (
        hash TEXT PRIMARY KEY,
        machine TEXT NOT NULL REFERENCES machines (name) ON DELETE CASCADE,
        generation INTEGER NOT NULL,
        expiresAt INTEGER NOT NULL,
        burnt INTEGER NOT NULL,
        usedAt INTEGER
      ) WITHOUT ROWID;
      CREATE INDEX tickets_by_machine ON tickets (machine);
      CREATE INDEX tickets_by_end ON tickets (expiresAt);

      CREATE TABLE tokens (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
        hash TEXT NOT NULL,
        createdAt INTEGER NOT NULL,
        expiresAt INTEGER,
        lastUsedAt INTEGER,
        revokedAt INTEGER
      ) WITHOUT ROWID;

      CREATE TABLE assets (
        path TEXT PRIMARY KEY,
        os TEXT NOT NULL,
        architecture TEXT NOT NULL,
        name TEXT NOT NULL,
        version TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        fetchedAt INTEGER NOT NULL
      ) WITHOUT ROWID;

      CREATE TABLE installerLog (
        id INTEGER PRIMARY KEY,
        machine TEXT NOT NULL,
        generation INTEGER NOT NULL,
        at INTEGER NOT NULL,
        program TEXT NOT NULL,
        text TEXT NOT NULL
      );
      CREATE INDEX installerLog_by_machine ON installerLog (machine, id);

      CREATE TABLE settings (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
      ) WITHOUT ROWID;

      CREATE TABLE identities (
        machine TEXT NOT NULL REFERENCES machines (name) ON DELETE CASCADE,
        generation INTEGER NOT NULL,
        secretHashes TEXT NOT NULL,
        keyHash TEXT,
        serial TEXT,
        certificate TEXT,
        enrolledAt INTEGER,
        expiresAt INTEGER,
        confirmedAt INTEGER,
        revokedAt INTEGER,
        PRIMARY KEY (machine, generation)
      ) WITHOUT ROWID;
      CREATE UNIQUE INDEX identities_by_key ON identities (keyHash) WHERE keyHash IS NOT NULL;
      CREATE UNIQUE INDEX identities_by_serial ON identities (serial) WHERE serial IS NOT NULL;
    `,
  },
  {
    version: 2,
    sql: `
      CREATE TABLE clusters (
        name TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        document TEXT NOT NULL
      ) WITHOUT ROWID;
    `,
  },
  {
    version: 3,
    sql: `
      CREATE TABLE resources (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        revision INTEGER NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (kind, name)
      ) WITHOUT ROWID;
    `,
  },
];
