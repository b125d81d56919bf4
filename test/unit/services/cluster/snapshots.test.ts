import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { snapshotFiles } from "../../../../src/adapters/backup/snapshot-files.ts";
import { lookAtCluster } from "../../../../src/services/cluster/look-at-cluster.ts";
import { ClusterSnapshots } from "../../../../src/services/cluster/snapshots.ts";
import { aCluster } from "../../../support/clusters.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { FakeCluster } from "../../../support/fake-cluster.ts";
import { KeptEvents } from "../../../support/kept-events.ts";
import { KeptLog } from "../../../support/kept-log.ts";

const HOUR_MS = 3_600_000;
const directories: string[] = [];
const cluster = aCluster();
let directory: string;
let fake: FakeCluster;
let clock: FakeClock;
let events: KeptEvents;

after(async () => {
  for (const each of directories) await rm(each, { recursive: true });
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-snapshots-"));
  directories.push(directory);
  fake = FakeCluster.complete(cluster);
  clock = new FakeClock(Date.parse("2026-11-21T09:30:05Z"));
  events = new KeptEvents();
});

function snapshots(everyMs = 6 * HOUR_MS): ClusterSnapshots {
  const store = snapshotFiles(directory);
  return new ClusterSnapshots({ access: fake, store, events, clock, log: new KeptLog(), everyMs, keep: 3 });
}

async function settled(of: ClusterSnapshots): Promise<void> {
  await of.settle(cluster, await lookAtCluster(fake, { cluster, recorded: { phase: "initialised" } }));
  await of.idle();
}

const files = (): Promise<string[]> => readdir(join(directory, "lab"));

test("S2-31 S0-17 etcd is copied as soon as it answers, then every few hours, and the oldest copies go", async () => {
  const keeping = snapshots();
  await settled(keeping);
  assert.deepEqual(await files(), ["20261121-093005.etcd"]);
  clock.advance(5 * HOUR_MS);
  await settled(keeping);
  assert.equal((await files()).length, 1);
  for (let round = 0; round < 4; round++) {
    clock.advance(6 * HOUR_MS);
    await settled(keeping);
  }
  assert.deepEqual(await files(), ["20261122-023005.etcd", "20261122-083005.etcd", "20261122-143005.etcd"]);
  const file = join(directory, "lab", "20261122-143005.etcd");
  assert.equal(await readFile(file, "utf8"), "a database");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test("after a restart the time of the last copy is known", async () => {
  await settled(snapshots());
  clock.advance(HOUR_MS);
  await settled(snapshots());
  assert.equal((await files()).length, 1);
});

test("a cluster whose etcd is silent is not copied; one that refuses is tried again later, with a warning", async () => {
  const keeping = snapshots();
  const etcd = await fake.etcd();
  fake.members = fake.members.map((member) => ({ ...member, reachable: false }));
  await settled(keeping);
  assert.deepEqual(events.types, []);
  fake.members = fake.members.map((member) => ({ ...member, reachable: true }));
  fake.etcd = () => Promise.resolve({ ...etcd, snapshot: () => Promise.reject(new TypeError("no")) });
  await settled(keeping);
  await settled(keeping);
  assert.deepEqual(events.types, ["etcd-snapshot-failed"]);
  fake.etcd = () => Promise.resolve(etcd);
  clock.advance(600_000);
  await settled(keeping);
  assert.equal(events.events.at(-1)?.type, "etcd-snapshot-taken");
});

test("a copy that breaks off leaves no file", async () => {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    await Promise.resolve();
    yield Buffer.from("half");
    throw new TypeError("broke off");
  }
  await assert.rejects(snapshotFiles(directory).write("lab", { at: clock.now(), pieces: pieces() }));
  assert.deepEqual(await files(), []);
});

test("no copies are made where none are wanted", async () => {
  await settled(snapshots(0));
  await assert.rejects(files());
});
