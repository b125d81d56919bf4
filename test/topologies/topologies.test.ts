import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterBed, needsClusterLab } from "../support/cluster/bed.ts";
import { etcdAnswers } from "../support/cluster/kills.ts";
import { isReady } from "../support/cluster/kubectl.ts";
import { clusterFile, ENDPOINT, type LabMember, members, VIP } from "../support/cluster/lab-cluster.ts";
import { vipHolder, waitForApi } from "../support/cluster/vip.ts";

const SECONDS = 1500;
const ETCD: readonly LabMember[] = [31, 32, 33].map((number, index) => ({
  name: `e${index + 1}`,
  number,
  roles: ["etcd"],
}));
const BALANCERS: readonly LabMember[] = [41, 42].map((number, index) => ({
  name: `l${index + 1}`,
  number,
  roles: ["load-balancer"],
}));

test("S0-07, S4-12 external etcd on three hosts and a dedicated pair of load balancers", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t);
  const nodes = members({ controlPlanes: 2, workers: 1 });
  const all = [...ETCD, ...BALANCERS, ...nodes];
  await bed.apply(
    clusterFile("lab", all, {
      endpoint: { ...ENDPOINT, provider: "dedicated-haproxy" },
      etcd: { topology: "external" },
    }),
  );
  await bed.installAll(all);
  await Promise.all(all.map(({ name }) => bed.machine(name).powerOn()));
  await bed.waitForReady(all, SECONDS);
  const answers = await etcdAnswers(bed, ETCD);
  assert.equal(new Set(answers).size, 1);
  assert.match(answers[0] ?? "", / e1,e2,e3$/);
  const holder = await vipHolder(bed, VIP);
  assert.ok(BALANCERS.some(({ name }) => name === holder.name));
  await waitForApi(bed, { address: VIP, port: 8443, seconds: 10 });
  const kubectl = await bed.kubectl("lab");
  assert.deepEqual(
    (await kubectl.nodes())
      .filter(isReady)
      .map(({ metadata }) => metadata.name)
      .sort(),
    ["c1", "c2", "w1"],
  );
});

test("S0-05 five control planes", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t);
  const five = members({ controlPlanes: 5, workers: 0 });
  await bed.apply(clusterFile("lab", five, { endpoint: ENDPOINT }));
  await bed.installAll(five);
  await Promise.all(five.map(({ name }) => bed.machine(name).powerOn()));
  await bed.waitForReady(five, SECONDS);
  const answers = await etcdAnswers(bed, five);
  assert.deepEqual(new Set(answers).size, 1);
  assert.match(answers[0] ?? "", / c1,c2,c3,c4,c5$/);
});
