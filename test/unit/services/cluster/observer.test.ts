import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { ClusterStatus } from "../../../../src/domain/cluster/cluster-status.ts";
import type { ClusterView } from "../../../../src/domain/cluster/members.ts";
import type { RecordedPhase } from "../../../../src/services/cluster/look-at-cluster.ts";
import { ClusterObserver } from "../../../../src/services/cluster/observer.ts";
import { aCluster, aMember, MemoryClusters } from "../../../support/clusters.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { aNode, FakeCluster } from "../../../support/fake-cluster.ts";
import { KeptEvents } from "../../../support/kept-events.ts";
import { KeptLog } from "../../../support/kept-log.ts";

let cluster: ClusterView;
let fake: FakeCluster;
let clock: FakeClock;
let events: KeptEvents;
let recorded: RecordedPhase;
let clusters: MemoryClusters;

beforeEach(() => {
  cluster = aCluster();
  fake = FakeCluster.complete(cluster);
  clock = new FakeClock();
  events = new KeptEvents();
  recorded = { phase: "initialised", etcdClusterId: fake.etcdClusterId };
  clusters = new MemoryClusters([cluster]);
});

function observer(
  after: ((cluster: ClusterView, status: ClusterStatus) => Promise<void>)[] = [],
): ClusterObserver {
  const log = new KeptLog();
  return new ClusterObserver({
    ...{ clusters, access: fake, recorded: () => recorded, after },
    ...{ events, clock, timers: clock, log },
  });
}

/** Lets what the observer has begun come to its end. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

const line = (status: ClusterStatus, component: string) =>
  status.redundancy.find((each) => each.component === component);

test("S2-30 S4-13 S4-15 a complete cluster is healthy: API servers, endpoint, nodes, etcd with one id, DNS", async () => {
  const status = await observer().fresh(cluster);
  assert.equal(status.healthy, true);
  assert.equal(status.summary, "healthy, 5 of 5 nodes ready");
  assert.deepEqual(status.problems, []);
  assert.deepEqual(
    status.apiServers.map(({ at, health }) => `${at} ${health.kind}`),
    ["10.20.0.10:6443 ready", "10.20.0.11:6443 ready", "10.20.0.12:6443 ready"],
  );
  assert.equal(status.endpoint?.at, "10.20.0.9:8443");
  assert.deepEqual(
    status.etcd.members.map(({ name, state, leader }) => `${name} ${state}${leader ? " leader" : ""}`),
    ["kube0 healthy leader", "kube1 healthy", "kube2 healthy"],
  );
  assert.equal(status.etcd.clusterId, fake.etcdClusterId);
});

test("S0-09 S0-10 each redundancy line says what is there, whether it holds, and what a loss costs", async () => {
  const status = await observer().fresh(cluster);
  assert.deepEqual(
    status.redundancy.map(
      ({ component, present, holds, spare }) => `${component} ${present} ${holds} ${spare}`,
    ),
    [
      "etcd 3 true 1",
      "API server 3 true 2",
      "API endpoint 3 true 2",
      "scheduler 3 true 2",
      "controller-manager 3 true 2",
      "cluster DNS 2 true 1",
      "cloud-controller 0 true 0",
    ],
  );
  assert.match(line(status, "etcd")?.effectOfLoss ?? "", /nothing can be changed/);
});

test("S0-09 with one etcd member gone the cluster works on, and no further loss is survived", async () => {
  fake.members[2]!.reachable = false;
  const status = await observer().fresh(cluster);
  assert.equal(status.summary, "works, 2 problems, 5 of 5 nodes ready");
  assert.deepEqual(status.problems, [
    "etcd on kube2 is unreachable",
    "etcd goes on with 2 of its 3 members and must not lose another",
  ]);
  assert.deepEqual([line(status, "etcd")?.holds, line(status, "etcd")?.spare], [false, 0]);
});

test("S0-16 a single machine may be healthy, but survives no loss", async () => {
  cluster = aCluster({
    spec: { endpoint: undefined },
    members: [aMember("solo", { roles: ["control-plane", "worker"], host: 10 })],
  });
  fake = FakeCluster.complete(cluster);
  fake.deployments.set("kube-system/coredns", { wanted: 2, ready: 2 });
  const status = await observer().fresh(cluster);
  assert.equal(status.healthy, true);
  assert.equal(status.endpoint?.at, "10.20.0.10:6443");
  assert.equal(line(status, "etcd")?.holds, false);
  assert.equal(line(status, "API server")?.holds, false);
});

test("what is wrong is said in words, what matters most first", async () => {
  fake.api.set("10.20.0.9:8443", { kind: "foreign", issuer: "CN=other" });
  fake.api.set("10.20.0.11:6443", { kind: "not-ready", failing: ["etcd"] });
  fake.nodes = fake.nodes.filter(({ name }) => name !== "work1");
  fake.node("work0", { ready: false, reason: "cni plugin not initialized" });
  fake.nodes.push(aNode("strange"));
  fake.deployments.set("kube-system/coredns", { wanted: 2, ready: 1 });
  fake.members[1]!.errors.push("etcdserver: no space");
  recorded = { phase: "initialised", etcdClusterId: "0ther" };
  const status = await observer().fresh(cluster);
  assert.deepEqual(status.problems, [
    `etcd's cluster id is ${fake.etcdClusterId}, but 0ther was recorded when this cluster was initialised: this is a second cluster`,
    "the endpoint 10.20.0.9:8443 is held by something else, with a certificate by CN=other",
    "etcd on kube1: etcdserver: no space",
    "the API server of kube1 (10.20.0.11:6443) is not ready: etcd",
    "node work0 is not ready: cni plugin not initialized",
    "work1 has not joined",
    "node strange is no machine of this cluster",
    "cluster DNS has 1 of 2 replicas",
  ]);
  assert.equal(status.healthy, false);
});

test("a member behind which no machine stands is shown: it counts for the quorum", async () => {
  fake.members.push({
    ...{ id: "dead", name: "kube9", address: "10.20.0.99" },
    ...{ healthy: false, reachable: false, learner: false, errors: [] },
  });
  const status = await observer().fresh(cluster);
  assert.deepEqual(status.problems, [
    "etcd on kube9 is unreachable",
    "etcd goes on with 3 of its 4 members and must not lose another",
  ]);
  assert.equal(line(status, "etcd")?.spare, 0);
});

test("S0-16 with the holder of the endpoint gone the cluster works, and what is left is said", async () => {
  fake.api.set("10.20.0.10:6443", { kind: "unreachable", reason: "no connection within 2 s" });
  fake.members[0]!.reachable = false;
  fake.node("kube0", { ready: false, reason: "Kubelet stopped posting node status." });
  const status = await observer().fresh(cluster);
  assert.equal(status.summary, "works, 4 problems, 4 of 5 nodes ready");
  assert.deepEqual(status.problems, [
    "etcd on kube0 is unreachable",
    "etcd goes on with 2 of its 3 members and must not lose another",
    "the API server of kube0 (10.20.0.10:6443) does not answer: no connection within 2 s",
    "node kube0 is not ready: Kubelet stopped posting node status.",
  ]);
});

test("a control plane that has not joined is one problem, not three", async () => {
  fake.api.set("10.20.0.12:6443", { kind: "unreachable", reason: "refuses the connection" });
  fake.members.splice(2, 1);
  fake.nodes = fake.nodes.filter(({ name }) => name !== "kube2");
  const status = await observer().fresh(cluster);
  assert.deepEqual(status.problems, ["kube2 has not joined"]);
});

test("etcd without its majority is said, with how many have to come back", async () => {
  for (const index of [0, 1]) fake.members[index]!.reachable = false;
  const status = await observer().fresh(cluster);
  assert.ok(
    status.problems.includes(
      "etcd works on 1 of its 3 members: nothing can be changed until 2 of them are back",
    ),
    status.problems.join("\n"),
  );
});

test("a cluster that is silent is reported, not thrown", async () => {
  fake.alive = false;
  for (const member of fake.members) member.reachable = false;
  const status = await observer().fresh(cluster);
  assert.equal(status.healthy, false);
  assert.equal(status.problems[0], "the endpoint 10.20.0.9:8443 does not answer: refuses the connection");
  assert.ok(status.problems.includes("nodes: no API server of cluster lab answers"));
  assert.match(status.summary, /^cannot be used, \d+ problems, nodes unknown$/);
  assert.doesNotMatch(status.problems.join("\n"), /has not joined/, "nobody knows");
});

test("a cluster that nobody began is not asked", async () => {
  recorded = { phase: "none" };
  const watching = observer();
  await watching.start();
  clock.advance(60_000);
  await settle();
  assert.equal(fake.looks, 0);
  const status = await watching.fresh(cluster);
  assert.equal(status.summary, "no machine has asked to initialise this cluster yet");
  assert.deepEqual(status.problems, []);
  await watching.stop();
});

test("a cluster that comes up is looked at every few seconds, a healthy one seldom", async () => {
  fake.node("work1", { ready: false });
  const watching = observer();
  await watching.start();
  const looksIn = async (seconds: number): Promise<number> => {
    const before = fake.looks;
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000);
      await settle();
    }
    return fake.looks - before;
  };
  assert.equal(await looksIn(30), 10);
  fake.node("work1", { ready: true });
  await looksIn(5);
  assert.equal(await looksIn(30), 2);
  fake.node("work1", { ready: false });
  await looksIn(16);
  assert.ok((await looksIn(30)) >= 9);
  await looksIn(900);
  assert.ok((await looksIn(30)) <= 2);
  await watching.stop();
  assert.equal(await looksIn(30), 0);
});

test("the timeline hears when a cluster becomes healthy and when it stops being so, once each", async () => {
  fake.node("work1", { ready: false });
  const watching = observer();
  await watching.fresh(cluster);
  assert.deepEqual(events.types, []);
  for (const ready of [true, true, false, false]) {
    fake.node("work1", { ready });
    clock.advance(3000);
    await watching.fresh(cluster);
  }
  assert.deepEqual(events.types, ["cluster-healthy", "cluster-degraded"]);
});

test("those who ask at once share one look, and a moment later its result", async () => {
  const watching = observer();
  await Promise.all([watching.fresh(cluster), watching.fresh(cluster)]);
  await watching.fresh(cluster);
  assert.equal(fake.looks, 1);
  clock.advance(2500);
  await watching.fresh(cluster);
  assert.equal(fake.looks, 2);
});

test("S4-18 every node's pod network lies behind its address", async () => {
  const watching = observer();
  assert.deepEqual(watching.routesOf("lab"), []);
  await watching.fresh(cluster);
  assert.deepEqual(watching.routesOf("lab").slice(0, 2), [
    { cidr: "10.244.0.0/24", via: "10.20.0.10" },
    { cidr: "10.244.1.0/24", via: "10.20.0.11" },
  ]);
});
