import assert from "node:assert/strict";
import { test } from "node:test";
import { WriteBehind } from "../../../src/services/write-behind.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { KeptLog } from "../../support/kept-log.ts";

function setUp(capacity = 100) {
  const written: number[][] = [];
  const clock = new FakeClock();
  const log = new KeptLog();
  const state = { broken: false };
  const queue = new WriteBehind<number>({
    write: (records) => {
      if (state.broken) return Promise.reject(new Error("full"));
      written.push([...records]);
      return Promise.resolve();
    },
    what: "numbers",
    timers: clock,
    log,
    delay: 100,
    capacity,
  });
  return { written, clock, log, state, queue };
}

test("DESIGN-5.13 records are written together after a delay", async () => {
  const { queue, written, clock } = setUp();
  queue.add(1);
  queue.add(2);
  assert.equal(clock.waiting, 1);
  clock.advance(99);
  assert.deepEqual(written, []);
  clock.advance(1);
  assert.deepEqual(written, [[1, 2]]);
  await queue.flush();
  queue.add(3);
  await queue.flush();
  assert.deepEqual(written, [[1, 2], [3]]);
  assert.equal(clock.waiting, 0, "no timer is left behind");
});

test("DESIGN-5.13 flushing nothing leaves the queue usable", async () => {
  const { queue, written } = setUp();
  await queue.flush();
  queue.add(1);
  await queue.flush();
  assert.deepEqual(written, [[1]]);
});

test("DESIGN-7 a broken store is tried again every two seconds, order kept", async () => {
  const { queue, written, clock, state } = setUp();
  state.broken = true;
  queue.add(1);
  await queue.flush();
  queue.add(2);
  clock.advance(2_000);
  await queue.flush();
  state.broken = false;
  clock.advance(2_000);
  await queue.flush();
  assert.deepEqual(written, [[1, 2]]);
});

test("DESIGN-7 beyond its capacity the oldest records are lost, and the log says how many", async () => {
  const { queue, written, log, state } = setUp(3);
  state.broken = true;
  for (let record = 1; record <= 5; record++) queue.add(record);
  await queue.flush();
  state.broken = false;
  await queue.flush();
  assert.deepEqual(written, [[3, 4, 5]]);
  assert.ok(log.lines.some(({ fields }) => (fields as { lost?: number }).lost === 2));
});
