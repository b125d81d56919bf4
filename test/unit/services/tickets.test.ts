import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Machine } from "../../../src/domain/machine.ts";
import { isTicket } from "../../../src/domain/ticket.ts";
import { MAX_LIVE_TICKETS } from "../../../src/services/tickets.ts";
import { startCore } from "../../support/appliance-core.ts";
import { aMachine, anInstalledMachine } from "../../support/machines.ts";

const INSTALLING = aMachine({
  state: "installing",
  generation: 1,
  installAttempts: 1,
  stage: "installer-loading",
});

async function setUp(machine: Machine = INSTALLING) {
  const core = await startCore({ machines: [machine] });
  return { ...core, ticket: await core.tickets.issue(machine) };
}

test("DESIGN-3.7 a ticket opens the documents and reports of its machine and generation", async () => {
  const { tickets, ticket } = await setUp();
  assert.ok(isTicket(ticket));
  for (const use of ["fetch", "report"] as const) {
    assert.deepEqual(await tickets.resolve(ticket, { for: use }), {
      ok: true,
      machine: INSTALLING,
      generation: 1,
    });
  }
});

test("DESIGN-3.7 the store holds only the hash of a ticket", async () => {
  const { store, ticket } = await setUp();
  const records = JSON.stringify(await store.tickets.forMachine("kube0"));
  assert.equal(records.includes(ticket.slice(4)), false);
  assert.match(records, /"hash":"[0-9a-f]{64}"/);
});

test("DESIGN-3.7 DESIGN-7 a ticket nobody handed out is refused and raised as an alarm that does not show it", async () => {
  const { tickets, events } = await setUp();
  const guess = `mti_${"A".repeat(32)}`;
  for (const presented of [guess, "", "../../etc/passwd", "x".repeat(10_000)]) {
    const check = await tickets.resolve(presented, { for: "fetch" });
    assert.ok(!check.ok && check.refusal === "unknown");
  }
  const alarms = await events.list({ level: "alarm", limit: 9 });
  assert.equal(alarms.length, 4);
  assert.equal(JSON.stringify(alarms).includes("AAAA"), false);
});

test("DESIGN-3.7 an expired ticket is refused", async () => {
  const { tickets, ticket, clock } = await setUp();
  clock.jump(14_400_000 - 1);
  assert.ok((await tickets.resolve(ticket, { for: "report" })).ok);
  clock.jump(1);
  const check = await tickets.resolve(ticket, { for: "report" });
  assert.ok(!check.ok && check.refusal === "expired");
});

test("DESIGN-3.7 the end of a generation burns its tickets; a replay is refused and raised as an alarm", async () => {
  const { tickets, ticket, registry, store, timeline } = await setUp();
  await registry.apply("kube0", { type: "node-reported", generation: 1 }, "node");
  await setImmediate();
  assert.equal((await store.tickets.forMachine("kube0"))[0]?.burnt, true);
  for (const use of ["fetch", "report"] as const) {
    const check = await tickets.resolve(ticket, { for: use });
    assert.ok(!check.ok && check.refusal === "burnt");
  }
  const refused = (await timeline("kube0")).filter(({ type }) => type === "ticket-refused");
  assert.deepEqual(
    refused.map(({ level }) => level),
    ["alarm", "alarm"],
  );
});

test("DESIGN-3.7 a reimage gives new tickets and the old ones stay dead", async () => {
  const { tickets, ticket, registry } = await setUp();
  await registry.apply("kube0", { type: "node-reported", generation: 1 }, "node");
  await registry.apply("kube0", { type: "reimage-requested" }, "cli");
  const outcome = await registry.apply("kube0", { type: "installer-booted" }, "http");
  const fresh = await tickets.issue(outcome.machine);
  assert.deepEqual((await tickets.resolve(fresh, { for: "fetch" })).ok, true);
  assert.deepEqual((await tickets.resolve(ticket, { for: "fetch" })).ok, false);
});

test("DESIGN-3.7 a retry burns the tickets of the failed attempt", async () => {
  const { tickets, ticket, registry } = await setUp();
  await registry.apply("kube0", { type: "install-failed", reason: "r" }, "installer");
  await registry.retry("kube0", "cli");
  await registry.apply("kube0", { type: "installer-booted" }, "http");
  await setImmediate();
  const check = await tickets.resolve(ticket, { for: "report" });
  assert.ok(!check.ok && check.refusal === "burnt");
});

test("DESIGN-3.6 after its last report an installer may repeat it but fetch nothing more", async () => {
  const { tickets, ticket, registry } = await setUp();
  await registry.apply("kube0", { type: "install-finished", disks: [] }, "installer");
  assert.equal((await tickets.resolve(ticket, { for: "report" })).ok, true);
  const check = await tickets.resolve(ticket, { for: "fetch" });
  assert.ok(!check.ok && check.refusal === "not-installing");
});

test("DESIGN-3.7 a held machine fetches nothing", async () => {
  const { tickets, ticket, registry } = await setUp();
  await registry.hold("kube0", "two keys", "node");
  const check = await tickets.resolve(ticket, { for: "fetch" });
  assert.ok(!check.ok && check.refusal === "held");
});

test("DESIGN-3.6 a silent installer may go on with its ticket, one that reported its failure may not fetch", async () => {
  const silent = await setUp({
    ...INSTALLING,
    state: "failed",
    failure: { cause: "silence", reason: "r", from: "installing", at: 1 },
  });
  assert.equal((await silent.tickets.resolve(silent.ticket, { for: "fetch" })).ok, true);
  const failed = await setUp({
    ...INSTALLING,
    state: "failed",
    failure: { cause: "reported", reason: "r", from: "installing", at: 1 },
  });
  assert.equal((await failed.tickets.resolve(failed.ticket, { for: "fetch" })).ok, false);
});

test("DESIGN-3.7 at most eight tickets are live; the one in use stays however often the script is fetched", async () => {
  const { tickets, ticket, store, clock } = await setUp();
  await tickets.resolve(ticket, { for: "fetch" });
  let last = "";
  for (let fetch = 0; fetch < 30; fetch++) {
    clock.jump(1_000);
    last = await tickets.issue(INSTALLING);
  }
  assert.equal((await store.tickets.forMachine("kube0")).length, MAX_LIVE_TICKETS);
  assert.equal((await tickets.resolve(ticket, { for: "report" })).ok, true);
  assert.equal((await tickets.resolve(last, { for: "fetch" })).ok, true);
});

test("DESIGN-3.7 no two tickets are alike", async () => {
  const { tickets } = await setUp();
  const issued = await Promise.all(Array.from({ length: 200 }, () => tickets.issue(INSTALLING)));
  assert.equal(new Set(issued).size, 200);
});

test("DESIGN-7 old tickets are forgotten at the next start", async () => {
  const { store, clock } = await setUp(anInstalledMachine());
  clock.jump(30 * 86_400_000);
  await startCore({ store, clock });
  assert.deepEqual(await store.tickets.forMachine("kube0"), []);
});
