import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import Database from "better-sqlite3";
import { MIGRATIONS } from "../../../../src/adapters/store/migrations.ts";
import { openSqliteStore } from "../../../../src/adapters/store/sqlite-store.ts";
import type { MusterError } from "../../../../src/domain/errors.ts";
import { aMachine } from "../../../support/machines.ts";

const directory = mkdtempSync(join(tmpdir(), "muster-sqlite-"));
let count = 0;
const newFile = (): string => join(directory, `${++count}`, "muster.db");
after(() => {
  rmSync(directory, { recursive: true });
});

function unavailable(pattern: RegExp): (error: unknown) => boolean {
  return (error) => {
    const { code, message } = error as MusterError;
    assert.equal(code, "unavailable");
    assert.match(message, pattern);
    return true;
  };
}

test("DESIGN-5.5 what was committed is there after the file is opened again", async () => {
  const file = newFile();
  const first = openSqliteStore({ file });
  await first.machines.commit([{ kind: "save", machine: aMachine(), previous: undefined }]);
  await first.close();
  const second = openSqliteStore({ file });
  assert.deepEqual(await second.machines.all(), [aMachine()]);
  await second.close();
});

test("DESIGN-5.5 every commit is synced to disk, not only written", () => {
  const file = newFile();
  const store = openSqliteStore({ file });
  // The setting belongs to a connection; the file shows that the write-ahead log is in use.
  assert.equal(readFileSync(file).at(18), 2, "write-ahead log");
  const source = readFileSync(
    new URL("../../../../src/adapters/store/sqlite-connection.ts", import.meta.url),
    "utf8",
  );
  assert.match(source, /pragma\("synchronous = FULL"\)/);
  return store.close();
});

test("DESIGN-3.7 only the owner can read the database", async () => {
  const file = newFile();
  const store = openSqliteStore({ file });
  await store.settings.put("a", 1);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(`${file}-wal`).mode & 0o777, 0o600);
  await store.close();
});

test("DESIGN-7 a database held by another process ends the start with a sentence", async () => {
  const file = newFile();
  const store = openSqliteStore({ file });
  assert.throws(() => openSqliteStore({ file, lockTimeout: 10 }), unavailable(/another muster serving/));
  await store.close();
});

test("DESIGN-7 a file that is no database, a damaged one, and one nobody may write are named", async () => {
  const text = join(directory, "text.db");
  writeFileSync(text, "this is not a database, it is a line of text".repeat(100));
  assert.throws(() => openSqliteStore({ file: text }), unavailable(/not a database.*muster restore/));

  const damaged = newFile();
  const store = openSqliteStore({ file: damaged });
  await store.events.append(
    Array.from({ length: 500 }, (_, index) => ({
      id: index + 1,
      at: 1,
      type: "t",
      source: "s",
      level: "info" as const,
      message: "m".repeat(200),
    })),
  );
  await store.close();
  const bytes = readFileSync(damaged);
  bytes.fill(0xaa, 4096);
  writeFileSync(damaged, bytes);
  assert.throws(() => openSqliteStore({ file: damaged }), unavailable(/damaged.*muster restore/));

  assert.throws(() => openSqliteStore({ file: join("/proc", "muster.db") }), unavailable(/cannot be opened/));
});

test("DESIGN-7 a full database refuses writes with a sentence, turns unhealthy, and recovers", async () => {
  const file = newFile();
  const store = openSqliteStore({ file, maxPages: 60 });
  const event = { at: 1, type: "t", source: "s", level: "info" as const, message: "m".repeat(3000) };
  const fill = async (): Promise<void> => {
    for (let id = 1; id < 1000; id++) await store.events.append([{ ...event, id }]);
  };
  await assert.rejects(fill(), unavailable(/disk is full/));
  const health = await store.health();
  assert.ok(!health.ok);
  assert.match(health.reason, /disk is full/);
  assert.ok((await store.events.list({ limit: 1 })).length === 1, "reading goes on");
  await store.events.prune(1);
  assert.equal((await store.health()).ok, true);
  await store.close();
});

test("DESIGN-7 after it was closed the store says so instead of throwing", async () => {
  const store = openSqliteStore({ file: newFile() });
  await store.close();
  await assert.rejects(store.machines.all());
  assert.equal((await store.health()).ok, false);
});

test("DESIGN-5.4 migrations run once, in order, and keep what is there", async () => {
  const file = newFile();
  const first = openSqliteStore({ file });
  await first.settings.put("kept", 7);
  await first.close();
  const version = (MIGRATIONS.at(-1)?.version ?? 0) + 1;
  const next = {
    version,
    sql: "CREATE TABLE added (id INTEGER PRIMARY KEY); INSERT INTO added VALUES (1)",
  };
  for (let round = 0; round < 2; round++) {
    const store = openSqliteStore({ file, migrations: [...MIGRATIONS, next] });
    assert.equal(await store.settings.get("kept"), 7);
    const health = await store.health();
    assert.ok(health.ok && health.schema === version);
    await store.close();
  }
});

test("DESIGN-5.4 a failed migration changes nothing", async () => {
  const file = newFile();
  await openSqliteStore({ file }).close();
  const version = (MIGRATIONS.at(-1)?.version ?? 0) + 1;
  const bad = { version, sql: "CREATE TABLE added (id INTEGER); INSERT INTO nowhere VALUES (1)" };
  assert.throws(() => openSqliteStore({ file, migrations: [...MIGRATIONS, bad] }));
  const database = new Database(file);
  assert.equal(database.pragma("user_version", { simple: true }), MIGRATIONS.at(-1)?.version);
  assert.equal(database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'added'").get(), undefined);
  database.close();
});

test("DESIGN-5.4 a database of a newer version is refused with a clear sentence", async () => {
  const file = newFile();
  await openSqliteStore({ file }).close();
  const database = new Database(file);
  database.pragma("user_version = 99");
  database.close();
  assert.throws(
    () => openSqliteStore({ file }),
    unavailable(/written by a newer Muster \(schema 99, this one knows \d+\)/),
  );
});

test("DESIGN-5.13 a backup taken while it is written to opens as a complete store", async () => {
  const store = openSqliteStore({ file: newFile() });
  await store.machines.commit([{ kind: "save", machine: aMachine(), previous: undefined }]);
  const target = join(directory, "copy.db");
  const backup = store.backupTo(target);
  for (let value = 0; value < 20; value++) await store.settings.put(`during-${value}`, value);
  await backup;
  const copy = openSqliteStore({ file: target });
  assert.deepEqual(await copy.machines.all(), [aMachine()]);
  await copy.close();
  await store.close();
});

test("DESIGN-5.13 lists are answered from an index, never by a scan", () => {
  const file = newFile();
  const store = openSqliteStore({ file });
  const plan = (sql: string): string => {
    const database = new Database(":memory:");
    for (const { sql: step } of MIGRATIONS) database.exec(step);
    const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
    database.close();
    return rows.map(({ detail }) => detail).join("; ");
  };
  assert.match(
    plan("SELECT * FROM events WHERE machine = 'a' ORDER BY id DESC LIMIT 5"),
    /events_by_machine/,
  );
  assert.match(plan("SELECT * FROM events WHERE mac = 'a' ORDER BY id DESC LIMIT 5"), /events_by_mac/);
  assert.match(
    plan("SELECT * FROM events WHERE level = 'alarm' AND level <> 'info' ORDER BY id LIMIT 5"),
    /events_by_level/,
  );
  assert.match(
    plan("SELECT * FROM installerLog WHERE machine = 'a' AND id > 4 ORDER BY id LIMIT 5"),
    /installerLog_by_machine/,
  );
  assert.match(plan("SELECT * FROM tickets WHERE machine = 'a'"), /tickets_by_machine/);
  assert.doesNotMatch(
    plan("SELECT * FROM events WHERE machine = 'a' ORDER BY id DESC LIMIT 5"),
    /TEMP B-TREE/,
  );
  return store.close();
});
