import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClusterView, clusterView } from "../../../src/domain/cluster/members.ts";
import { resolveResources } from "../../../src/domain/cluster/resource-set.ts";
import { readDocuments } from "../../../src/services/resources/read-documents.ts";
import { CONTROL_PLANE, type RackMember, rackFile, WORKER } from "../../rack/documents.ts";
import { scenariosFor } from "../../rack/scenarios.ts";
import { planned } from "../../support/seed-plans.ts";

function rack(members: readonly RackMember[], emulated: boolean): ClusterView {
  const text = rackFile(members, { emulated });
  const set = resolveResources(readDocuments([{ name: "rack.yaml", text }]).resources);
  assert.deepEqual(set.faults, []);
  const [cluster] = set.clusters;
  assert.ok(cluster);
  return clusterView(cluster, set.machines);
}

test("the rack's scenarios build on each other: a later one brings those before it", () => {
  const names = (wanted: readonly string[]): readonly string[] =>
    scenariosFor(wanted).map(({ name }) => name);
  assert.deepEqual(names([]), ["cluster-bios", "worker-bios"]);
  assert.deepEqual(names(["cluster-bios"]), ["cluster-bios"]);
  assert.deepEqual(names(["worker-bios"]), ["cluster-bios", "worker-bios"]);
  assert.throws(() => names(["cluster-uefi"]), /"cluster-uefi" is none of cluster-bios, worker-bios/);
});

for (const emulated of [true, false]) {
  test(`the rack's file is valid with and without its worker (emulated: ${emulated})`, () => {
    const alone = rack([CONTROL_PLANE], emulated);
    const both = rack([CONTROL_PLANE, WORKER], emulated);
    assert.match(
      planned(both, "w1", "/etc/muster/node/kubeadm-join.yaml"),
      /apiServerEndpoint: "?10\.77\.0\.11:6443/,
    );
    for (const file of ["/etc/muster/node/kubeadm-init.yaml", "IMAGES"]) {
      assert.equal(planned(both, "c1", file), planned(alone, "c1", file), `${file} is not another one`);
    }
  });
}
