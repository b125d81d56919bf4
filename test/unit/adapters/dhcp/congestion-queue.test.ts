import assert from "node:assert/strict";
import { test } from "node:test";
import { CongestionQueue } from "../../../../src/adapters/dhcp/congestion-queue.ts";

test("D-33 a full queue loses its oldest datagram, never the newest", () => {
  const queue = new CongestionQueue<number>(3);
  for (let item = 1; item <= 5; item++) queue.push(item, 0);
  assert.equal(queue.dropped, 2);
  assert.deepEqual([queue.shift(0), queue.shift(0), queue.shift(0), queue.shift(0)], [3, 4, 5, undefined]);
});

test("D-33 what waited more than three seconds is skipped", () => {
  const queue = new CongestionQueue<string>(4);
  queue.push("old", 0);
  queue.push("young", 2000);
  assert.equal(queue.shift(3001), "young");
  assert.equal(queue.dropped, 1);
  assert.equal(queue.length, 0);
});

test("D-33 the ring turns many times without losing order", () => {
  const queue = new CongestionQueue<number>(7);
  let next = 0;
  for (let item = 0; item < 1000; item++) {
    queue.push(item, 0);
    if (item % 2 === 1) {
      assert.equal(queue.shift(0), next++);
      assert.equal(queue.shift(0), next++);
    }
  }
  assert.equal(queue.length, 0);
});
