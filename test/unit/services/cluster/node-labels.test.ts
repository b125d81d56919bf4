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

test("S0-18 a control plane that takes workloads loses the label that keeps it out of load balancers, once", async () => {
  const excluded = "node.kubernetes.io/exclude-from-external-load-balancers";
  const both = aMember("kube0", { roles: ["control-plane", "worker"], host: 10 });
  const open = aCluster({ members: [both, aMember("kube1", { roles: ["control-plane"], host: 11 })] });
  const fake = FakeCluster.complete(open);
  const labels = new NodeLabels({ access: fake, log: new KeptLog() });
  await labels.settle(open);
  // kubeadm gives the label some time after the node has registered.
  for (const name of ["kube0", "kube1"]) fake.node(name, { labels: { [excluded]: "", mine: "" } });
  await labels.settle(open);
  const have = (): unknown => fake.nodes.map((node) => Object.keys(node.labels));
  assert.deepEqual(have(), [["mine"], [excluded, "mine"]]);
  fake.node("kube0", { labels: { [excluded]: "" } });
  await labels.settle(open);
  assert.deepEqual(have(), [[excluded], [excluded, "mine"]], "what a person puts back stays");
});

test("S0-18 a document that names that label keeps it", async () => {
  const excluded = "node.kubernetes.io/exclude-from-external-load-balancers";
  const kept = machineSpecSchema.parse({ mac: "52:54:00:00:00:01", labels: { [excluded]: "true" } });
  const both = { ...aMember("kube0", { roles: ["control-plane", "worker"], host: 10 }), spec: kept };
  const closed = aCluster({ members: [both] });
  const fake = FakeCluster.complete(closed);
  fake.node("kube0", { labels: { [excluded]: "true" } });
  await new NodeLabels({ access: fake, log: new KeptLog() }).settle(closed);
  assert.deepEqual(fake.nodes[0]?.labels, { [excluded]: "true" });
});
