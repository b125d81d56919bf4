import assert from "node:assert/strict";
import { test } from "node:test";
import { MusterError } from "../../../../src/domain/errors.ts";
import { type Assets, type InstallerNeed, needOf } from "../../../../src/services/assets/assets.ts";
import { createAssets } from "../../../../src/services/assets/keep-assets.ts";
import type { Service } from "../../../../src/services/ports.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import {
  type FakeFiles,
  FakeInstallerSource,
  MemoryBootTree,
} from "../../../support/fake-installer-source.ts";
import { KeptEvents } from "../../../support/kept-events.ts";
import { KeptLog } from "../../../support/kept-log.ts";
import { MemoryAssetStore } from "../../../support/memory-asset-store.ts";

const NEED: InstallerNeed = { os: "debian-13", architecture: "amd64", firmwarePackages: [] };
const HOUR = 3_600_001;

class Appliance {
  readonly files: FakeFiles = new Map();
  readonly source = new FakeInstallerSource(this.files);
  readonly tree = new MemoryBootTree(this.files);
  readonly store = new MemoryAssetStore();
  readonly clock = new FakeClock();
  readonly events = new KeptEvents();
  readonly log = new KeptLog();
  assets: Assets & Service = this.#create();

  async restart(): Promise<void> {
    await this.assets.stop();
    this.assets = this.#create();
    await this.assets.start(new AbortController().signal);
  }

  /** Asks for the need and waits for what that starts. */
  async ensure(need = NEED): Promise<string> {
    this.assets.ensure(need);
    for (let turn = 0; turn < 100 && this.assets.status(need).kind === "pulling"; turn += 1)
      await turnOfLoop();
    const status = this.assets.status(need);
    return status.kind === "missing" ? status.reason : status.kind;
  }

  #create(): Assets & Service {
    const { source, tree, store, clock, events, log } = this;
    return createAssets({ source, tree, store, clock, events, log });
  }
}

const turnOfLoop = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const unreachable = (): MusterError => new MusterError("upstream-failed", "the archive cannot be reached");

test("a need is missing, then pulled with words for a console, then ready", async () => {
  const appliance = new Appliance();
  const { assets, source } = appliance;
  const before = assets.status(NEED);
  assert.equal(before.kind, "missing");
  const gate = Promise.withResolvers<undefined>();
  source.gate = gate.promise.then(() => undefined);
  assets.ensure(NEED);
  const checking = assets.status(NEED);
  assert.match(
    checking.kind === "pulling" ? checking.what : "",
    /checking debian-13 \(amd64\) against the mirror/,
  );
  for (let turn = 0; turn < 20; turn += 1) await turnOfLoop();
  const pulling = assets.status(NEED);
  assert.deepEqual(pulling, { kind: "pulling", progress: 0.25, what: "trixie installer, 25 of 100 MB" });
  assert.equal(assets.installer(NEED), undefined);
  gate.resolve(undefined);
  assert.equal(await appliance.ensure(), "ready");
  assert.equal(assets.installer(NEED)?.kernelPath, "/boot/files/debian-13/amd64/2025+u1/linux");
});

test("calls for one need share one run, and a recent check counts", async () => {
  const appliance = new Appliance();
  for (let machine = 0; machine < 10; machine += 1) appliance.assets.ensure(NEED);
  assert.equal(await appliance.ensure(), "ready");
  assert.equal(appliance.source.pulls, 1);
  const { surveys } = appliance.source;
  await appliance.ensure();
  assert.equal(appliance.source.surveys, surveys);
  appliance.clock.advance(HOUR);
  await appliance.ensure();
  assert.equal(appliance.source.surveys, surveys + 1);
  assert.equal(appliance.source.pulls, 1);
});

test("after a restart what is on disk is checked and ready without a pull", async () => {
  const appliance = new Appliance();
  await appliance.ensure();
  await appliance.restart();
  assert.equal(await appliance.ensure(), "ready");
  assert.equal(appliance.source.pulls, 1);
});

test("a file that vanished or changed its size while the appliance was off is pulled again", async () => {
  const appliance = new Appliance();
  await appliance.ensure();
  appliance.files.set(appliance.tree.absolute("debian-13/amd64/2025+u1/linux"), Buffer.from("cut"));
  await appliance.restart();
  assert.equal(await appliance.ensure(), "ready");
  assert.equal(appliance.source.pulls, 2);
});

test("without the archive a machine waits with the reason, and it is asked again after a pause", async () => {
  const appliance = new Appliance();
  appliance.source.failure = unreachable();
  assert.match(await appliance.ensure(), /debian-13 \(amd64\): the archive cannot be reached/);
  const { surveys } = appliance.source;
  appliance.source.failure = undefined;
  await appliance.ensure();
  assert.equal(appliance.source.surveys, surveys, "not at once");
  appliance.clock.advance(30_001);
  assert.equal(await appliance.ensure(), "ready");
});

test("without the archive what is on disk is good enough", async () => {
  const appliance = new Appliance();
  await appliance.ensure();
  appliance.source.failure = unreachable();
  appliance.clock.advance(HOUR);
  assert.equal(await appliance.ensure(), "ready");
});

test("an archive that cannot be trusted is not good enough, whatever is on disk", async () => {
  const appliance = new Appliance();
  await appliance.ensure();
  appliance.source.failure = new MusterError("not-verified", "the signature is not good");
  appliance.clock.advance(HOUR);
  assert.match(await appliance.ensure(), /the signature is not good/);
});

test("a new version is pulled; one that does not fit the modules is a reason without a loop", async () => {
  const appliance = new Appliance();
  const { source, clock } = appliance;
  await appliance.ensure();
  source.version = "2025+u2";
  source.kernel = "6.12.2";
  source.moduleKernels = new Set(["6.12.2"]);
  clock.advance(HOUR);
  assert.equal(await appliance.ensure(), "ready");
  assert.equal(appliance.assets.installer(NEED)?.kernelVersion, "6.12.2");
  source.moduleKernels = new Set(["6.12.3"]);
  clock.advance(HOUR);
  assert.match(
    await appliance.ensure(),
    /image has kernel 6\.12\.2, the mirror has modules for 6\.12\.3 only/,
  );
  const { pulls, surveys } = source;
  for (let asked = 0; asked < 50; asked += 1) await appliance.ensure();
  assert.deepEqual([source.pulls, source.surveys], [pulls, surveys]);
});

test("needs with firmware have an initrd of their own, in any order of the packages", async () => {
  const appliance = new Appliance();
  const spec = { os: { name: "debian", version: "13", architecture: "amd64" } } as const;
  const one = needOf({ ...spec, firmwarePackages: ["firmware-b", "firmware-a", "firmware-a"] });
  const other = needOf({ ...spec, firmwarePackages: ["firmware-a", "firmware-b"] });
  assert.deepEqual(one, other);
  assert.equal(await appliance.ensure(one), "ready");
  assert.equal(await appliance.ensure(), "ready");
  const stock = appliance.assets.installer(NEED)?.initrdPath;
  const composed = appliance.assets.installer(one)?.initrdPath;
  assert.match(composed ?? "", /initrd-[0-9a-f]{16}\.gz$/);
  assert.notEqual(composed, stock);
  const bytes = appliance.files.get(`tree/${composed?.replace("/boot/files/", "") ?? ""}`)?.toString();
  assert.match(bytes ?? "", /^initrd 6\.12\.1\0*firmware-a\0*firmware-b$/);
});

test("the end of the appliance ends a pull under way, and is no failure that the log tells of", async () => {
  const appliance = new Appliance();
  const gate = Promise.withResolvers<undefined>();
  appliance.source.gate = gate.promise.then(() => undefined);
  appliance.assets.ensure(NEED);
  await turnOfLoop();
  const stopped = appliance.assets.stop();
  gate.resolve(undefined);
  await stopped;
  assert.equal(appliance.store.records.size, 0);
  assert.deepEqual(appliance.log.lines, []);
});

test("an operating system that nobody can pull is named", async () => {
  const appliance = new Appliance();
  assert.match(await appliance.ensure({ ...NEED, os: "debian-7" }), /debian-7.*debian-12, debian-13/);
});
