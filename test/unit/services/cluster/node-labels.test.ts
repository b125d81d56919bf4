import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSpecSchema } from "../../../../src/domain/machine-spec.ts";
import { NodeLabels } from "../../../../src/services/cluster/node-labels.ts";
import { aCluster, aMember } from "../../../support/clusters.ts";
import { FakeCluster } from "../../../support/fake-cluster.ts";
import { KeptLog } from "../../../support/kept-log.ts";

const spec = machineSpecSchema.parse({
  mac: "52:54:00:00:00:01",
  labels: { "node-role.kubernetes.io/gpu": "", "example.com/rack": "a" },
});
const cluster = aCluster({
  members: [
    aMember("kube0", { roles: ["control-plane"], host: 10 }),
    { ...aMember("gpu0", { roles: ["worker"], host: 20 }), spec },
  ],
});

test("S0-18 nodes get the labels that their kubelets may not give them, once", async () => {
  const fake = FakeCluster.complete(cluster);
  const labels = new NodeLabels({ access: fake, log: new KeptLog() });
  await labels.settle(cluster);
  assert.deepEqual(
    fake.applied.map(({ kind, metadata }) => [kind, metadata]),
    [
      ["Node", { name: "kube0", labels: {} }],
      [
        "Node",
        {
          name: "gpu0",
          labels: { "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/gpu": "" },
        },
      ],
    ],
  );
  await labels.settle(cluster);
  assert.equal(fake.applied.length, 2);
});

test("S0-18 no node is made by labelling one that has not joined, and one that joined again is labelled again", async () => {
  const fake = FakeCluster.complete(cluster);
  const [, gpu0] = fake.nodes;
  fake.nodes = [];
  const labels = new NodeLabels({ access: fake, log: new KeptLog() });
  await labels.settle(cluster);
  assert.equal(fake.applied.length, 0);
  assert.ok(gpu0);
  fake.nodes = [gpu0];
  await labels.settle(cluster);
  fake.nodes = [{ ...gpu0, uid: "another" }];
  await labels.settle(cluster);
  assert.deepEqual(
    fake.applied.map(({ metadata }) => metadata.name),
    ["gpu0", "gpu0"],
  );
});

test("S0-18 a cluster that is silent is asked again at the next look", async () => {
  const fake = FakeCluster.complete(cluster);
  fake.alive = false;
  const labels = new NodeLabels({ access: fake, log: new KeptLog() });
  await labels.settle(cluster);
  fake.alive = true;
  await labels.settle(cluster);
  assert.equal(fake.applied.length, 2);
});
