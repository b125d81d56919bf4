import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterBed, needsClusterLab } from "../support/cluster/bed.ts";
import { isReady } from "../support/cluster/kubectl.ts";
import { clusterFile, type LabMember } from "../support/cluster/lab-cluster.ts";
import { LAB_VERSION } from "../support/kubernetes-components.ts";

const ALONE: LabMember = { name: "c1", number: 11, roles: ["control-plane", "worker"] };

test("one machine, applied and switched on, becomes a whole cluster by itself", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t);
  await bed.apply(clusterFile("lab", [ALONE]));
  const [machine] = await bed.installAll([ALONE]);
  const on = bed.seconds;
  await machine?.powerOn();
  await bed.waitForReady([ALONE], 900);
  t.diagnostic(`Ready ${(bed.seconds - on).toFixed(0)} s after it was switched on`);

  const kubectl = await bed.kubectl("lab");
  const [node, ...others] = await kubectl.nodes();
  assert.ok(node && isReady(node));
  assert.equal(others.length, 0);
  assert.equal(node.status.nodeInfo?.kubeletVersion, `v${LAB_VERSION}`);
  assert.deepEqual(node.spec.taints, undefined, "it is a worker too");
  await kubectl.eventually(["-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=5s"], {
    seconds: 120,
  });
});
