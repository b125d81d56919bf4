import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { ClusterStatus } from "../../../../src/domain/cluster/cluster-status.ts";
import type { LifecycleEvent } from "../../../../src/domain/lifecycle-events.ts";
import type { Machine } from "../../../../src/domain/machine.ts";
import { lookAtCluster } from "../../../../src/services/cluster/look-at-cluster.ts";
import { NodeReadiness } from "../../../../src/services/cluster/node-readiness.ts";
import { aCluster } from "../../../support/clusters.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { FakeCluster } from "../../../support/fake-cluster.ts";
import { KeptLog } from "../../../support/kept-log.ts";
import { anInstalledMachine } from "../../../support/machines.ts";

const cluster = aCluster();
let fake: FakeCluster;
let clock: FakeClock;
let machine: Machine;
let joined: number | undefined;
let applied: LifecycleEvent[];
let readiness: NodeReadiness;

beforeEach(() => {
  fake = FakeCluster.complete(cluster);
  clock = new FakeClock();
  applied = [];
  joined = undefined;
  machine = anInstalledMachine({ name: "work0", generation: 2, spec: { cluster: "lab", roles: ["worker"] } });
  readiness = new NodeReadiness({
    registry: {
      byName: (name) => (name === "work0" ? machine : undefined),
      apply: (name, event) => {
        assert.equal(name, "work0");
        applied.push(event);
        return Promise.resolve({ ok: true, changed: true, machine });
      },
    },
    joinedGeneration: () => joined,
    clock,
    log: new KeptLog(),
  });
});

const look = (): Promise<Omit<ClusterStatus, "at">> =>
  lookAtCluster(fake, { cluster, recorded: { phase: "initialised" } });

test("a machine is ready only when its Node is", async () => {
  machine = { ...machine, state: "joining" };
  fake.node("work0", { ready: false });
  await readiness.tell(cluster, await look());
  assert.deepEqual(applied, []);
  fake.node("work0", { ready: true });
  await readiness.tell(cluster, await look());
  assert.deepEqual(applied, [{ type: "node-ready" }]);
});

test("the Node that a machine had before it was installed again does not make it ready", async () => {
  machine = { ...machine, state: "preparing" };
  joined = 1;
  await readiness.tell(cluster, await look());
  assert.deepEqual(applied, []);
  joined = 2;
  await readiness.tell(cluster, await look());
  assert.deepEqual(applied, [{ type: "node-ready" }]);
});

test("a Node that is not ready for a moment is nobody's business; after a minute it is", async () => {
  machine = { ...machine, state: "ready" };
  fake.node("work0", { ready: false, reason: "Kubelet stopped posting node status." });
  await readiness.tell(cluster, await look());
  clock.advance(30_000);
  fake.node("work0", { ready: true });
  await readiness.tell(cluster, await look());
  fake.node("work0", { ready: false, reason: "Kubelet stopped posting node status." });
  await readiness.tell(cluster, await look());
  clock.advance(59_000);
  await readiness.tell(cluster, await look());
  assert.deepEqual(applied, []);
  clock.advance(1000);
  await readiness.tell(cluster, await look());
  assert.deepEqual(applied, [
    { type: "node-lost", reason: "its Node is not ready: Kubelet stopped posting node status." },
  ]);
});

test("a look that saw no nodes says nothing about any", async () => {
  machine = { ...machine, state: "ready" };
  fake.alive = false;
  for (let minute = 0; minute < 3; minute++) {
    await readiness.tell(cluster, await look());
    clock.advance(60_000);
  }
  assert.deepEqual(applied, []);
});
