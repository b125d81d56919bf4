import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterBed, needsClusterLab } from "../support/cluster/bed.ts";
import { etcdAnswers } from "../support/cluster/kills.ts";
import { isReady } from "../support/cluster/kubectl.ts";
import { clusterFile, type LabMember, members, VIP } from "../support/cluster/lab-cluster.ts";
import { vipHolder, waitForApi } from "../support/cluster/vip.ts";

const SECONDS = 1200;
const FAILOVER_SECONDS = 30;
const PORT = 6443;
const ETCD: readonly LabMember[] = [31, 32, 33].map((number, index) => ({
  name: `e${index + 1}`,
  number,
  roles: ["etcd"],
}));

test("kube-vip holds the endpoint, and an external etcd runs as static pods", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t, {}, { kubeVip: true });
  const nodes = members({ controlPlanes: 2, workers: 0 });
  const all = [...ETCD, ...nodes];
  await bed.apply(
    clusterFile("lab", all, {
      endpoint: { address: VIP, port: PORT, provider: "kube-vip" },
      etcd: { topology: "external", deployment: "static-pod" },
    }),
  );
  await bed.installAll(all);
  const on = bed.seconds;
  await Promise.all(all.map(({ name }) => bed.machine(name).powerOn()));
  await bed.waitForReady(all, SECONDS);
  t.diagnostic(`all Ready ${(bed.seconds - on).toFixed(0)} s after they were switched on`);

  await t.test("S4-12 etcd is one cluster of pods that the hosts' own kubelets run", async () => {
    const answers = await etcdAnswers(bed, ETCD);
    assert.equal(new Set(answers).size, 1);
    assert.match(answers[0] ?? "", / e1,e2,e3$/);
    for (const { name } of ETCD) {
      const containers = await bed.machine(name).must("ctr -n k8s.io containers list");
      assert.match(containers, /registry\.k8s\.io\/etcd:/);
      assert.notEqual(
        (await bed.machine(name).run("systemctl", ["is-active", "etcd"])).code,
        0,
        "no service",
      );
    }
  });
  await t.test("the API moves to the other control plane when the holder loses its power", async (inner) => {
    const kubectl = await bed.kubectl("lab");
    assert.deepEqual((await kubectl.nodes()).filter(isReady).length, 2);
    const holder = await vipHolder(bed, VIP);
    const cut = bed.seconds;
    await holder.powerOff();
    await waitForApi(bed, { address: VIP, port: PORT, seconds: FAILOVER_SECONDS });
    inner.diagnostic(
      `answered again ${(bed.seconds - cut).toFixed(1)} s after ${holder.name} lost its power`,
    );
    assert.notEqual((await vipHolder(bed, VIP)).name, holder.name);
  });
});
