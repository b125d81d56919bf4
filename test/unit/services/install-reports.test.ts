import assert from "node:assert/strict";
import { test } from "node:test";
import { startCore } from "../../support/appliance-core.ts";
import { aMachine } from "../../support/machines.ts";

const DISK = { path: "/dev/vda", serial: "D1", sizeBytes: 8_000_000_000 };
const FINISHED = { report: "finished", disks: [DISK], marker: "0123456789abcdef" };
const FACTS = { address: "10.0.0.5" };

async function setUp() {
  const core = await startCore({ machines: [aMachine()] });
  const booted = await core.registry.apply("kube0", { type: "installer-booted" }, "http");
  const ticket = await core.tickets.issue(booted.machine);
  const report = (body: unknown) => core.reports.accept(ticket, body, FACTS);
  const state = () => core.registry.byName("kube0");
  return { ...core, ticket, report, state };
}

test("DESIGN-3.6 stages and the last report move the machine; each is acknowledged after it is durable", async () => {
  const { report, state, store } = await setUp();
  for (const stage of ["installer-started", "partitioning", "base-system", "packages", "bootloader"]) {
    assert.deepEqual(await report({ report: "stage", stage }), {
      kind: "acknowledged",
      machine: "kube0",
      repeated: false,
    });
    assert.equal(state()?.stage, stage);
    assert.equal((await store.machines.all())[0]?.stage, stage);
  }
  assert.equal((await report(FINISHED)).kind, "acknowledged");
  const [stored] = await store.machines.all();
  assert.deepEqual(
    [stored?.installFinished, stored?.systemDisks, stored?.diskMarker],
    [true, [DISK], FINISHED.marker],
  );
});

test("DESIGN-3.6 the last report again gets the same acknowledgement and changes nothing", async () => {
  const { report, state } = await setUp();
  await report(FINISHED);
  const before = state();
  assert.deepEqual(await report(FINISHED), { kind: "acknowledged", machine: "kube0", repeated: true });
  assert.equal(state(), before);
});

test("DESIGN-7 a report out of order is refused, stored and raised as an alarm", async () => {
  const { report, timeline } = await setUp();
  await report({ report: "stage", stage: "packages" });
  const outcome = await report({ report: "stage", stage: "partitioning" });
  assert.ok(outcome.kind === "refused" && outcome.status === 409);
  const last = (await timeline("kube0")).at(-1);
  assert.deepEqual([last?.type, last?.level, last?.source], ["refused", "alarm", "installer"]);
});

test("DESIGN-7 a report without a valid ticket learns nothing and moves nothing", async () => {
  const { reports, state } = await setUp();
  const before = state();
  const outcome = await reports.accept(`mti_${"B".repeat(32)}`, FINISHED, FACTS);
  assert.deepEqual(outcome, { kind: "refused", status: 403, reason: "this ticket is not valid" });
  assert.equal(state(), before);
});

test("DESIGN-7 a replayed report after the first boot is refused and raised as an alarm", async () => {
  const { report, registry, events } = await setUp();
  await report(FINISHED);
  await registry.apply("kube0", { type: "node-reported", generation: 1 }, "node");
  const outcome = await report({ report: "failed", reason: "mallory" });
  assert.ok(outcome.kind === "refused" && outcome.status === 403);
  assert.equal(registry.byName("kube0")?.state, "installed");
  assert.equal((await events.list({ level: "alarm", limit: 9 })).length, 1);
});

const NONSENSE: readonly unknown[] = [
  undefined,
  null,
  7,
  "text",
  [],
  {},
  { report: "stage" },
  { report: "stage", stage: "finished" },
  { report: "stage", stage: "ready" },
  { report: "finished", disks: [] },
  { report: "finished", disks: [{ path: "sda", sizeBytes: 1 }] },
  { report: "finished", disks: [{ path: "/dev/sda", sizeBytes: -1 }] },
  { report: "installed" },
];

for (const body of NONSENSE) {
  test(`DESIGN-7 a report that does not fit is refused: ${JSON.stringify(body)}`, async () => {
    const { report, state } = await setUp();
    const before = state();
    const outcome = await report(body);
    assert.ok(outcome.kind === "refused" && outcome.status === 400);
    assert.match(outcome.reason, /^the report does not fit: /);
    assert.equal(state(), before);
  });
}

test("DESIGN-5.11 what stopped an installation is kept: reason, findings and the end of the log", async () => {
  const { report, state, installerLog, timeline } = await setUp();
  await report({
    report: "failed",
    reason: "the disk /dev/sda holds data",
    stage: "partitioning",
    findings: ["/dev/sda1: ext4", "/dev/sda2: LVM2_member"],
    log: "one\ntwo\n",
  });
  assert.equal(state()?.state, "failed");
  assert.partialDeepStrictEqual(state()?.failure, {
    reason: "the disk /dev/sda holds data",
    cause: "reported",
    stage: "partitioning",
    from: "installing",
  });
  assert.deepEqual((await timeline("kube0")).at(-1)?.data?.findings, [
    "/dev/sda1: ext4",
    "/dev/sda2: LVM2_member",
  ]);
  const lines = (await installerLog.list({ machine: "kube0", limit: 9 })).map(({ text }) => text);
  assert.deepEqual(lines, [
    "one",
    "two",
    "found: /dev/sda1: ext4",
    "found: /dev/sda2: LVM2_member",
    "failed: the disk /dev/sda holds data",
  ]);
});

test("DESIGN-3.6 numbers may come as text, unknown fields are ignored, long texts are cut", async () => {
  const { report, state } = await setUp();
  const disks = [{ path: "/dev/sda", sizeBytes: "512000000000", colour: "blue" }];
  assert.equal((await report({ report: "finished", disks, later: true })).kind, "acknowledged");
  assert.deepEqual(state()?.systemDisks, [{ path: "/dev/sda", sizeBytes: 512_000_000_000 }]);
  const other = await setUp();
  await other.report({ report: "failed", reason: "x".repeat(5_000) });
  assert.equal(other.state()?.failure?.reason.length, 1_000);
});

test("DESIGN-7 while the store is broken nothing is acknowledged; the same report later is", async () => {
  const { report, state, store } = await setUp();
  store.break();
  await assert.rejects(report(FINISHED), { code: "unavailable" });
  assert.equal(state()?.installFinished, false);
  store.broken = undefined;
  assert.equal((await report(FINISHED)).kind, "acknowledged");
});

test("DESIGN-3.7 the address of a report is evidence only", async () => {
  const { report, registry } = await setUp();
  await report({ report: "stage", stage: "installer-started" });
  assert.equal(registry.bySeenAddress("10.0.0.5")?.name, "kube0");
});
