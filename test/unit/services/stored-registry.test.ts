import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConflictError,
  type MusterError,
  NotFoundError,
  TransitionError,
} from "../../../src/domain/errors.ts";
import type { Machine, Sighting } from "../../../src/domain/machine.ts";
import { type MachineSpecInput, machineSpecSchema } from "../../../src/domain/machine-spec.ts";
import { parseMac } from "../../../src/net/mac.ts";
import type { RegistryChange } from "../../../src/services/registry.ts";
import { StoredRegistry } from "../../../src/services/stored-registry.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { KeptEvents } from "../../support/kept-events.ts";
import { KeptLog } from "../../support/kept-log.ts";
import { aMachine, anInstalledMachine, LIMITS } from "../../support/machines.ts";
import { MemoryStore } from "../../support/memory-store.ts";

const MAC0 = "52:54:00:12:34:00";
const MAC1 = "52:54:00:12:34:01";
const MAC2 = "52:54:00:12:34:02";

function spec(input: MachineSpecInput) {
  return machineSpecSchema.parse(input);
}

function sighting(mac: string, more: Partial<Sighting> = {}): Sighting {
  return { at: 1, mac: parseMac(mac)!, ...more };
}

async function setUp(options: { machines?: readonly Machine[]; unknown?: "ignore" | "discover" } = {}) {
  const store = new MemoryStore();
  await store.machines.commit(
    (options.machines ?? []).map((machine) => ({ kind: "save", machine, previous: undefined })),
  );
  const clock = new FakeClock();
  const events = new KeptEvents();
  const log = new KeptLog();
  const registry = new StoredRegistry({
    store: store.machines,
    events,
    clock,
    timers: clock,
    log,
    limits: LIMITS,
    unknown: options.unknown ?? "ignore",
  });
  await registry.start();
  return { store, clock, events, log, registry };
}

test("DESIGN-3.6 a registered machine is found by its name and by every MAC", async () => {
  const { registry, events, store } = await setUp();
  const machine = await registry.register(
    { name: "kube0", spec: spec({ mac: MAC0, extraMacs: [MAC1], interfaces: [{ mac: MAC2 }] }) },
    "api:ci",
  );
  assert.equal(machine.state, "registered");
  assert.equal(machine.revision, 1);
  for (const mac of [MAC0, MAC1, MAC2]) assert.equal(registry.byMac(mac)?.name, "kube0");
  assert.equal(registry.byName("kube0"), machine);
  assert.equal(registry.byMac("00:00:00:00:00:01"), undefined);
  assert.deepEqual(await store.machines.all(), [machine]);
  assert.deepEqual(events.events[0], {
    machine: "kube0",
    mac: MAC0,
    type: "registered",
    source: "api:ci",
    message: `registered with ${MAC0}, ${MAC1}, ${MAC2}`,
  });
});

test("DESIGN-3.6 a machine that nobody named is named by its MAC", async () => {
  const { registry } = await setUp();
  assert.equal((await registry.register({ spec: spec({ mac: MAC0 }) }, "cli")).name, "node-525400123400");
});

test("DESIGN-3.4 a name, MAC or address that is taken is refused, naming who has it, and nothing changes", async () => {
  const { registry, store } = await setUp();
  const kube0 = await registry.register(
    { name: "kube0", spec: spec({ mac: MAC0, extraMacs: [MAC1], address: "10.0.0.5" }) },
    "cli",
  );
  const attempts: readonly [string, MachineSpecInput, RegExp][] = [
    ["kube0", { mac: MAC2 }, /named kube0 exists already, with the MAC 52:54:00:12:34:00/],
    ["kube1", { mac: MAC1 }, /the MAC 52:54:00:12:34:01 belongs to machine kube0/],
    ["kube1", { mac: MAC2, extraMacs: [MAC0] }, /the MAC 52:54:00:12:34:00 belongs to machine kube0/],
    [
      "kube1",
      { mac: MAC2, interfaces: [{ mac: MAC1 }] },
      /the MAC 52:54:00:12:34:01 belongs to machine kube0/,
    ],
    ["kube1", { mac: MAC2, address: "10.0.0.5" }, /the address 10.0.0.5 belongs to machine kube0/],
  ];
  for (const [name, input, message] of attempts) {
    await assert.rejects(registry.register({ name, spec: spec(input) }, "cli"), (error: MusterError) => {
      assert.ok(error instanceof ConflictError);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.deepEqual(registry.list(), [kube0]);
  assert.deepEqual(await store.machines.all(), [kube0]);
});

test("DESIGN-3.4 of two registrations of one MAC at the same moment one is refused", async () => {
  const { registry } = await setUp();
  const results = await Promise.allSettled(
    ["kube0", "kube1"].map((name) => registry.register({ name, spec: spec({ mac: MAC0 }) }, "cli")),
  );
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected"],
  );
  assert.deepEqual(
    registry.list().map(({ name }) => name),
    ["kube0"],
  );
});

test("DESIGN-5.13 changes that arrive together are made durable together", async () => {
  const { registry, store } = await setUp();
  const before = store.commits;
  await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      registry.register(
        { spec: spec({ mac: `52:54:00:00:00:${index.toString(16).padStart(2, "0")}` }) },
        "cli",
      ),
    ),
  );
  assert.equal(registry.list().length, 100);
  assert.equal(store.commits - before, 1);
});

test("DESIGN-5.13 memory shows a change only after it is durable; a full disk leaves everything as it was", async () => {
  const { registry, store, events } = await setUp({ machines: [aMachine()] });
  const heard: RegistryChange[] = [];
  registry.subscribe((change) => heard.push(change));
  store.break();
  await assert.rejects(registry.apply("kube0", { type: "installer-booted" }, "http"), {
    code: "unavailable",
  });
  await assert.rejects(registry.register({ name: "kube9", spec: spec({ mac: MAC2 }) }, "cli"), {
    code: "unavailable",
  });
  assert.deepEqual(registry.list(), [aMachine()]);
  assert.equal(registry.byMac(MAC2), undefined);
  assert.deepEqual([heard, events.events], [[], []]);

  store.broken = undefined;
  assert.equal(
    (await registry.apply("kube0", { type: "installer-booted" }, "http")).machine.state,
    "installing",
  );
  assert.deepEqual(
    heard.map((change) => change.machine.state),
    ["installing"],
  );
});

test("DESIGN-3.6 a changed spec raises the revision, moves the MACs and is recorded by field", async () => {
  const { registry, events } = await setUp({ machines: [aMachine()] });
  const updated = await registry.update(
    "kube0",
    { spec: spec({ mac: MAC2, timezone: "Europe/Berlin" }), revision: 1 },
    "cli",
  );
  assert.equal(updated.revision, 2);
  assert.equal(registry.byMac(MAC1), undefined);
  assert.equal(registry.byMac(MAC2)?.name, "kube0");
  assert.deepEqual(events.ofType("updated")[0]?.data, { fields: ["mac", "timezone"] });
  const same = await registry.update("kube0", { spec: updated.spec }, "cli");
  assert.equal(same, updated);
  assert.equal(events.ofType("updated").length, 1);
});

test("DESIGN-3.4 a change made from an older revision is refused", async () => {
  const { registry } = await setUp({ machines: [aMachine({ revision: 4 })] });
  await assert.rejects(
    registry.update("kube0", { spec: spec({ mac: MAC2 }), revision: 3 }, "cli"),
    (error) => error instanceof ConflictError && /is at revision 4, not 3/.test(error.message),
  );
  await assert.rejects(registry.update("nobody", { spec: spec({ mac: MAC2 }) }, "cli"), NotFoundError);
});

test("DESIGN-3.6 an event that fits is recorded with its source, one that does not is recorded as refused", async () => {
  const { registry, events } = await setUp({ machines: [aMachine()] });
  const accepted = await registry.apply("kube0", { type: "installer-booted" }, "http");
  assert.ok(accepted.ok);
  const refused = await registry.apply("kube0", { type: "retry-requested" }, "cli");
  assert.ok(!refused.ok);
  const late = await registry.apply("kube0", { type: "node-reported", generation: 9 }, "node");
  assert.ok(!late.ok);
  assert.deepEqual(
    events.events.map(({ type, source, level }) => [type, source, level]),
    [
      ["installer-booted", "http", "info"],
      ["refused", "cli", "warning"],
      ["refused", "node", "alarm"],
    ],
  );
  assert.deepEqual(events.events[0]?.data, {
    attempt: 1,
    from: "registered",
    to: "installing",
    generation: 1,
  });
  assert.equal(registry.byName("kube0")?.revision, 2);
  await assert.rejects(registry.apply("nobody", { type: "approved" }, "watchdog"), NotFoundError);
});

test("DESIGN-3.6 what a person asks for and may not have is thrown with the reason", async () => {
  const { registry } = await setUp({ machines: [anInstalledMachine()] });
  await assert.rejects(registry.retry("kube0", "cli"), TransitionError);
  await assert.rejects(registry.approve("kube0", {}, "cli"), TransitionError);
  await assert.rejects(registry.remove("kube0", "cli"), /retire it before/);
  await assert.rejects(
    registry.setBootOverride("kube0", "install", "cli"),
    (error) => error instanceof TransitionError && /reimage/.test(error.message),
  );
});

test("DESIGN-3.6 a retired machine is final until it is registered again, with a generation of its own", async () => {
  const { registry } = await setUp({ machines: [anInstalledMachine()] });
  assert.equal((await registry.retire("kube0", "cli")).state, "retired");
  await assert.rejects(registry.update("kube0", { spec: spec({ mac: MAC2 }) }, "cli"), TransitionError);
  const again = await registry.register({ name: "kube0", spec: spec({ mac: MAC1 }) }, "cli");
  assert.equal(again.state, "registered");
  assert.equal(again.generation, 2, "tickets and certificates of generation 1 must not fit");
});

test("DESIGN-3.6 the MAC of a retired machine may go to a new one; the retired one is forgotten", async () => {
  const { registry, store } = await setUp({ machines: [anInstalledMachine({ state: "retired" })] });
  await registry.register({ name: "kube7", spec: spec({ mac: MAC1 }) }, "cli");
  assert.deepEqual(
    registry.list().map(({ name }) => name),
    ["kube7"],
  );
  assert.deepEqual(
    (await store.machines.all()).map(({ name }) => name),
    ["kube7"],
  );
  assert.equal(registry.byMac(MAC1)?.name, "kube7");
});

test("DESIGN-3.6 a removed machine is gone from memory and store", async () => {
  const { registry, store } = await setUp({ machines: [aMachine({ state: "retired" })] });
  const heard: RegistryChange[] = [];
  registry.subscribe((change) => heard.push(change));
  await registry.remove("kube0", "cli");
  assert.equal(registry.byMac(MAC1), undefined);
  assert.deepEqual(await store.machines.all(), []);
  assert.deepEqual(
    heard.map(({ kind }) => kind),
    ["removed"],
  );
});

test("DESIGN-3.3 an unknown machine is only noted, in a bounded list", async () => {
  const { registry } = await setUp();
  for (let index = 0; index < 600; index++) {
    const mac = `52:54:01:00:${(index >> 8).toString(16).padStart(2, "0")}:${(index & 255).toString(16).padStart(2, "0")}`;
    registry.noteSighting(sighting(mac, { at: index }), undefined);
  }
  registry.noteSighting(sighting("52:54:01:00:02:57", { at: 1000, architecture: 7 }), undefined);
  const unknown = registry.unknown();
  assert.equal(unknown.length, 512);
  assert.deepEqual(unknown[0], {
    sighting: sighting("52:54:01:00:02:57", { at: 1000, architecture: 7 }),
    firstSeenAt: 599,
    count: 2,
  });
  assert.deepEqual(registry.list(), []);
});

test("DESIGN-3.3 with discovery an unknown machine waits for approval, once", async () => {
  const { registry, events } = await setUp({ unknown: "discover" });
  for (let count = 0; count < 3; count++)
    registry.noteSighting(sighting(MAC0, { uuid: "u" }), registry.byMac(MAC0));
  await registry.stop();
  const found = registry.byMac(MAC0);
  assert.equal(found?.state, "discovered");
  assert.equal(found.seen?.uuid, "u");
  assert.deepEqual(registry.unknown(), []);
  assert.equal(events.ofType("discovered").length, 1);
  const approved = await registry.approve(
    found.name,
    { spec: spec({ mac: MAC0, timezone: "Europe/Paris" }) },
    "cli",
  );
  assert.deepEqual(
    [approved.state, approved.spec.timezone, approved.revision],
    ["registered", "Europe/Paris", 2],
  );
});

test("DESIGN-3.3 registering a discovered MAC takes the machine over under the new name", async () => {
  const { registry } = await setUp({ unknown: "discover" });
  registry.noteSighting(sighting(MAC0), undefined);
  await registry.stop();
  await registry.register({ name: "kube0", spec: spec({ mac: MAC0 }) }, "cli");
  assert.deepEqual(
    registry.list().map(({ name, state }) => [name, state]),
    [["kube0", "registered"]],
  );
});

test("DESIGN-7 a flood of invented MACs does not fill the registry, approved machines do not count", async () => {
  const { registry } = await setUp({ unknown: "discover" });
  const mac = (index: number): string =>
    `52:54:01:00:${(index >> 8).toString(16).padStart(2, "0")}:${(index & 255).toString(16).padStart(2, "0")}`;
  for (let index = 0; index < 1500; index++) registry.noteSighting(sighting(mac(index)), undefined);
  await registry.stop();
  assert.equal(registry.list().length, 1024);
  await registry.approve(registry.byMac(mac(0))!.name, {}, "cli");
  registry.noteSighting(sighting(mac(1400)), undefined);
  await registry.stop();
  assert.equal(registry.byMac(mac(1400))?.state, "discovered");
});

test("DESIGN-3.7 sightings are written together, now and then, and are no revision", async () => {
  const { registry, store, clock } = await setUp({ machines: [aMachine()] });
  const before = store.commits;
  for (let at = 1; at <= 1000; at++)
    registry.noteSighting(sighting(MAC1, at === 1 ? { at, uuid: "u" } : { at }), registry.byMac(MAC1));
  assert.equal(store.commits, before);
  clock.advance(5000);
  await registry.stop();
  assert.equal(store.commits - before, 1);
  assert.deepEqual(registry.byName("kube0")?.seen, sighting(MAC1, { at: 1000, uuid: "u" }));
  assert.equal(registry.byName("kube0")?.revision, 1);
  assert.deepEqual((await store.machines.all())[0]?.seen, sighting(MAC1, { at: 1000, uuid: "u" }));
});

test("DESIGN-3.6 a listener that fails harms nobody, and one that left hears nothing", async () => {
  const { registry, log } = await setUp({ machines: [aMachine()] });
  const heard: string[] = [];
  registry.subscribe(() => {
    throw new Error("broken page");
  });
  const leave = registry.subscribe(({ machine }) => heard.push(machine.state));
  await registry.apply("kube0", { type: "installer-booted" }, "http");
  leave();
  await registry.retire("kube0", "cli");
  assert.deepEqual(heard, ["installing"]);
  assert.equal(log.lines.filter(({ level }) => level === "error").length, 2);
});

test("DESIGN-6 five thousand machines load into one index", async () => {
  const machines = Array.from({ length: 5000 }, (_, index) =>
    aMachine({
      name: `m${index}`,
      spec: {
        mac: `52:54:02:00:${(index >> 8).toString(16).padStart(2, "0")}:${(index & 255).toString(16).padStart(2, "0")}`,
      },
    }),
  );
  const { registry, store } = await setUp({ machines });
  assert.equal(registry.list().length, 5000);
  assert.equal(registry.byMac("52:54:02:00:13:87")?.name, "m4999");
  assert.equal(store.commits, 2, "one to fill the store, one to read it");
});

test("DESIGN-7 a registry whose store is broken stops all the same", async () => {
  const { registry, store, log } = await setUp({ machines: [aMachine()] });
  registry.noteSighting(sighting(MAC1), registry.byMac(MAC1));
  store.break();
  await registry.stop();
  assert.ok(log.lines.some(({ message }) => message === "sightings could not be written"));
});
