import assert from "node:assert/strict";
import { test } from "node:test";
import { walClusterId } from "../../support/cluster/wal-cluster-id.ts";

/** The first bytes of a log that etcd 3.6 wrote. */
const LOG = Buffer.from(
  [
    "04000000000000840804100000000000",
    "20000000000000000801 10b3dcc4880c1a1608bd9bc7f1fd9dcbb0830110f6dda2d9c98bb3effe01",
    "0e0000000000008208051 0d89580c50c1a04080010000000",
  ]
    .join("")
    .replaceAll(" ", ""),
  "hex",
);

test("the id of etcd's cluster is read from its log as its API says it", () => {
  assert.equal(walClusterId(LOG), "18365341028575653622");
});

test("a log that is only being written names no cluster yet", () => {
  for (const length of [0, 8, 16, 40]) assert.equal(walClusterId(LOG.subarray(0, length)), undefined);
  assert.equal(walClusterId(Buffer.alloc(512)), undefined);
});
