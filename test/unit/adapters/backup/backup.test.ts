import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { after, test } from "node:test";
import { backupArchive } from "../../../../src/adapters/backup/pack.ts";
import { restoreBackup } from "../../../../src/adapters/backup/restore.ts";
import { openSqliteStore } from "../../../../src/adapters/store/sqlite-store.ts";
import { decideBoot } from "../../../../src/domain/boot-decision.ts";
import type { MusterError } from "../../../../src/domain/errors.ts";
import { takeBackup } from "../../../../src/services/backup.ts";
import type { AssetRecord } from "../../../../src/services/ports.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { aMachine, anInstalledMachine, LIMITS } from "../../../support/machines.ts";

const root = mkdtempSync(path.join(tmpdir(), "muster-backup-"));
let count = 0;
after(() => {
  rmSync(root, { recursive: true });
});

const clock = new FakeClock(Date.UTC(2026, 10, 21, 9, 30));
const MACHINES = [
  aMachine({ name: "fresh", spec: { mac: "52:54:00:00:00:01" } }),
  anInstalledMachine({ name: "worker", spec: { mac: "52:54:00:00:00:02" } }),
  anInstalledMachine({ name: "old", state: "retired", spec: { mac: "52:54:00:00:00:03" } }),
];

function newDirectory(): string {
  const directory = path.join(root, `${++count}`);
  mkdirSync(directory);
  return directory;
}

async function makeBackup(): Promise<{ file: string; dataDir: string }> {
  const dataDir = newDirectory();
  mkdirSync(path.join(dataDir, "pki"));
  writeFileSync(path.join(dataDir, "pki", "ca.key"), "secret key");
  writeFileSync(path.join(dataDir, "pki", "empty.srl"), "");
  writeFileSync(path.join(dataDir, "admin-token"), "muster_1\n");
  writeFileSync(path.join(dataDir, "components.lock.json"), '{ "lock": 1, "files": {} }\n');
  writeFileSync(path.join(dataDir, "unrelated.img"), "x".repeat(1000));
  for (const name of ["kept", "changed", "missing"]) placeAsset(dataDir, name);
  const store = openSqliteStore({ file: path.join(dataDir, "muster.db") });
  await store.machines.commit(MACHINES.map((machine) => ({ kind: "save", machine, previous: undefined })));
  await store.assets.put(["kept", "changed", "missing"].map(assetRecord));
  const { filename, stream } = await takeBackup({ store, archive: backupArchive({ dataDir }), clock });
  assert.equal(filename, "muster-2026-11-21T09-30-00Z.backup");
  const file = path.join(newDirectory(), filename);
  writeFileSync(file, await buffer(stream));
  await store.close();
  return { file, dataDir };
}

function placeAsset(dataDir: string, name: string, content = name): void {
  mkdirSync(path.join(dataDir, "assets"), { recursive: true });
  writeFileSync(path.join(dataDir, "assets", name), content);
}

function assetRecord(name: string): AssetRecord {
  const sha256 = createHash("sha256").update(name).digest("hex");
  const facts = { os: "debian-13", architecture: "amd64", version: "1", fetchedAt: 0 };
  return { path: name, name, sha256, bytes: name.length, ...facts };
}

function restore(file: string, dataDir: string, replace = false) {
  const assetsDirectory = path.join(dataDir, "assets");
  return restoreBackup({ file, dataDir, assetsDirectory, clock, limits: LIMITS, replace });
}

function refused(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as MusterError).code, code);
    assert.match((error as Error).message, message);
    return true;
  };
}

test("DESIGN-3.6 a restored machine is held: nothing but its own disk boots until somebody confirms it", async () => {
  const { file } = await makeBackup();
  const dataDir = path.join(root, `${++count}`);
  const report = await restore(file, dataDir);
  assert.deepEqual(report, { takenAt: clock.now(), held: 2, assetsToFetch: 3, putAside: undefined });
  const store = openSqliteStore({ file: path.join(dataDir, "muster.db") });
  const machines = await store.machines.all();
  assert.deepEqual(
    machines.map(({ name, held }) => [name, held]),
    [
      ["fresh", "restored from the backup of 2026-11-21T09:30:00.000Z"],
      ["old", undefined],
      ["worker", "restored from the backup of 2026-11-21T09:30:00.000Z"],
    ],
  );
  for (const machine of machines) {
    assert.equal(decideBoot({ machine, assets: { kind: "ready" }, limits: LIMITS }).kind, "local");
  }
  assert.equal((await store.events.list({ limit: 1 }))[0]?.type, "restored");
  await store.close();
});

test("DESIGN-3.1 a backup brings back authority, keys, token and lock file, readable by their owner only, and nothing else", async () => {
  const { file } = await makeBackup();
  const dataDir = newDirectory();
  await restore(file, dataDir);
  assert.deepEqual(readdirSync(dataDir).sort(), ["admin-token", "components.lock.json", "muster.db", "pki"]);
  assert.deepEqual(readdirSync(path.join(dataDir, "pki")).sort(), ["ca.key", "empty.srl"]);
  assert.equal(readFileSync(path.join(dataDir, "pki", "ca.key"), "utf8"), "secret key");
  for (const name of ["admin-token", "muster.db", "pki/ca.key"]) {
    assert.equal(statSync(path.join(dataDir, name)).mode & 0o777, 0o600, name);
  }
});

test("DESIGN-3.1 taking a backup leaves nothing behind in the data directory", async () => {
  const { dataDir } = await makeBackup();
  const left = ["admin-token", "assets", "components.lock.json", "muster.db", "pki", "unrelated.img"];
  assert.deepEqual(readdirSync(dataDir).sort(), left);
});

test("DESIGN-3.1 a backup is a plain tar archive", async () => {
  const { file } = await makeBackup();
  const { execFileSync } = await import("node:child_process");
  const listed = execFileSync("tar", ["-tf", file], { encoding: "utf8" }).trim().split("\n");
  assert.deepEqual(listed.slice(0, 2), ["muster-backup.json", "muster.db"]);
  const others = ["admin-token", "components.lock.json", "pki/ca.key", "pki/empty.srl"];
  assert.deepEqual(listed.slice(2).sort(), others);
});

test("DESIGN-7 a restore does not overwrite state; asked to, it puts it aside", async () => {
  const { file, dataDir } = await makeBackup();
  await assert.rejects(
    restore(file, dataDir),
    refused("conflict", /holds the state of an appliance already; --replace/),
  );
  writeFileSync(path.join(dataDir, "pki", "ca.key"), "later key");
  const report = await restore(file, dataDir, true);
  assert.equal(readFileSync(path.join(report.putAside ?? "", "pki", "ca.key"), "utf8"), "later key");
  assert.equal(readFileSync(path.join(dataDir, "pki", "ca.key"), "utf8"), "secret key");
});

test("DESIGN-7 nothing is restored under a serving appliance", async () => {
  const { file, dataDir } = await makeBackup();
  const serving = openSqliteStore({ file: path.join(dataDir, "muster.db") });
  await assert.rejects(restore(file, dataDir, true), refused("unavailable", /another muster serving/));
  await serving.close();
});

test("DESIGN-7 a damaged database is no obstacle to restoring", async () => {
  const { file, dataDir } = await makeBackup();
  writeFileSync(path.join(dataDir, "muster.db"), "damaged".repeat(1000));
  assert.equal((await restore(file, dataDir, true)).held, 2);
});

test("DESIGN-7 a backup that is damaged, cut short, or none at all changes nothing", async () => {
  const { file } = await makeBackup();
  const bytes = readFileSync(file);
  const inDatabase = Buffer.from(bytes);
  inDatabase.writeUInt8(inDatabase.readUInt8(9_000) ^ 0xff, 9_000);
  const inHeader = Buffer.from(bytes);
  inHeader.writeUInt8(0xff, 3);
  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ["cut short", bytes.subarray(0, bytes.length - 2_000), /cut short/],
    ["a changed database", inDatabase, /muster.db does not fit its checksum/],
    ["a changed header", inHeader, /header does not fit/],
    ["a text", Buffer.from("hello".repeat(1000)), /header does not fit/],
    ["nothing", Buffer.alloc(0), /cut short/],
    ["an empty archive", Buffer.alloc(1024), /does not begin with its list/],
  ];
  for (const [what, content, message] of cases) {
    const damaged = path.join(newDirectory(), "damaged.backup");
    writeFileSync(damaged, content);
    const dataDir = newDirectory();
    await assert.rejects(restore(damaged, dataDir), refused("not-verified", message), what);
    assert.deepEqual(readdirSync(dataDir), [], what);
  }
});

test("DESIGN-7 a hostile archive writes nothing outside the data directory", async () => {
  const { tarEnd, tarHeader, tarPadding } = await import("../../../../src/adapters/backup/tar.ts");
  for (const name of ["../evil", "/etc/evil", "pki/../../evil", "pki/.hidden", "muster.sock"]) {
    const files = [
      { name: "muster.db", size: 0, sha256: "0".repeat(64) },
      { name, size: 0, sha256: "0".repeat(64) },
    ];
    const text = Buffer.from(JSON.stringify({ format: 1, createdAt: 1, files }));
    const header = tarHeader({ name: "muster-backup.json", size: text.length, modifiedAt: 1 });
    const hostile = path.join(newDirectory(), "hostile.backup");
    writeFileSync(hostile, Buffer.concat([header, text, tarPadding(text.length), tarEnd()]));
    await assert.rejects(restore(hostile, newDirectory()), refused("not-verified", /no file of a backup/));
  }
});

test("DESIGN-7 boot files that are not what the backup knew are forgotten, so that they are fetched again", async () => {
  const { file } = await makeBackup();
  const dataDir = newDirectory();
  placeAsset(dataDir, "kept");
  placeAsset(dataDir, "changed", "something else");
  const report = await restore(file, dataDir);
  assert.equal(report.assetsToFetch, 2);
  const store = openSqliteStore({ file: path.join(dataDir, "muster.db") });
  assert.deepEqual(
    (await store.assets.all()).map((record) => record.path),
    ["kept"],
  );
  await store.close();
});
