import assert from "node:assert/strict";
import { test } from "node:test";
import { Events } from "../../../src/services/events.ts";
import type { StoredEvent } from "../../../src/services/ports.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { KeptLog } from "../../support/kept-log.ts";
import { MemoryStore } from "../../support/memory-store.ts";

function setUp(options: { keep?: number } = {}) {
  const store = new MemoryStore();
  const clock = new FakeClock();
  const log = new KeptLog();
  const events = new Events({ store: store.events, clock, timers: clock, log, ...options });
  return { store, clock, log, events };
}

const entry = (machine: string, message = "m") => ({
  type: "stage-reported",
  machine,
  source: "installer",
  message,
});

test("DESIGN-3.6 an entry gets a number and a time, is heard at once and stored soon", async () => {
  const { events, store, clock } = setUp();
  await events.start();
  const heard: StoredEvent[] = [];
  events.subscribe((event) => heard.push(event));
  events.record(entry("kube0"));
  const expected = { ...entry("kube0"), id: 1, at: clock.now(), level: "info" } as const;
  assert.deepEqual(heard, [expected]);
  assert.deepEqual(await store.events.list({ limit: 9 }), []);
  clock.advance(100);
  await events.stop();
  assert.deepEqual(await store.events.list({ limit: 9 }), [expected]);
});

test("DESIGN-3.6 numbers go on after a restart, also for what was recorded before the store was read", async () => {
  const { events, store, clock, log } = setUp();
  await events.start();
  events.record(entry("kube0"));
  await events.stop();
  const next = new Events({ store: store.events, clock, timers: clock, log });
  next.record(entry("kube1"));
  await next.start();
  assert.deepEqual(
    (await next.list({ limit: 9 })).map(({ id, machine }) => [id, machine]),
    [
      [1, "kube0"],
      [2, "kube1"],
    ],
  );
});

test("DESIGN-7 while the store is broken entries wait in memory, are read from there, and are stored later", async () => {
  const { events, store, clock, log } = setUp();
  await events.start();
  store.break();
  events.record(entry("kube0"));
  events.record(entry("kube1"));
  assert.deepEqual(
    (await events.list({ machine: "kube1", limit: 9 })).map(({ id }) => id),
    [2],
  );
  assert.equal(log.lines.filter(({ level }) => level === "error").length, 1, "said once, not per entry");
  store.broken = undefined;
  clock.advance(2_000);
  await events.stop();
  assert.deepEqual(
    (await store.events.list({ limit: 9 })).map(({ id }) => id),
    [1, 2],
  );
});

test("DESIGN-7 the timeline is bounded in the store", async () => {
  const { events, store } = setUp({ keep: 100 });
  await events.start();
  for (let count = 0; count < 300; count++) events.record(entry(`m${count}`));
  await events.stop();
  const kept = await store.events.list({ limit: 1000 });
  assert.ok(kept.length >= 100 && kept.length <= 102, `${kept.length} kept`);
  assert.equal(kept.at(-1)?.id, 300);
});

test("DESIGN-7 one noisy cause is dropped after a while and counted, the others go on", async () => {
  const { events, clock } = setUp();
  await events.start();
  for (let count = 0; count < 500; count++) events.record(entry("kube0"));
  events.record(entry("kube1"));
  clock.advance(60_000);
  events.record(entry("kube0", "late"));
  const kept = await events.list({ limit: 1000 });
  assert.equal(kept.filter(({ machine }) => machine === "kube0").length, 61);
  assert.equal(kept.filter(({ machine }) => machine === "kube1").length, 1);
  assert.equal(kept.at(-1)?.message, "late (and 440 like it)");
});

test("DESIGN-7 invented MACs share one budget", async () => {
  const { events } = setUp();
  await events.start();
  for (let count = 0; count < 500; count++) {
    events.record({ type: "unknown", mac: `m${count}`, source: "dhcp", message: "who" });
  }
  assert.equal((await events.list({ limit: 1000 })).length, 120);
});

test("DESIGN-3.7 tickets are masked in messages and data", async () => {
  const { events } = setUp();
  await events.start();
  const ticket = `mti_${"A".repeat(32)}`;
  events.record({
    ...entry("kube0", `GET /install/${ticket}/preseed.cfg`),
    data: { url: `http://a/install/${ticket}/x`, n: 1 },
  });
  const [kept] = await events.list({ limit: 1 });
  assert.equal(JSON.stringify(kept).includes("AAAA"), false);
  assert.deepEqual(kept?.data, { url: "http://a/install/mti_…/x", n: 1 });
});

test("DESIGN-3.6 a listener that throws stops nobody, one that left hears nothing", async () => {
  const { events, log } = setUp();
  await events.start();
  const heard: number[] = [];
  events.subscribe(() => {
    throw new Error("broken");
  });
  const leave = events.subscribe(({ id }) => heard.push(id));
  events.record(entry("kube0"));
  leave();
  events.record(entry("kube0"));
  assert.deepEqual(heard, [1]);
  assert.equal(log.lines.filter(({ level }) => level === "error").length, 2);
});
