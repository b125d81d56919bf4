import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { judgeClusters } from "../../../src/domain/cluster/cluster-faults.ts";
import { clusterView } from "../../../src/domain/cluster/members.ts";
import { resolveResources } from "../../../src/domain/cluster/resource-set.ts";
import { CATALOGUE } from "../../../src/domain/components/addons/catalogue.ts";
import { changesNothing } from "../../../src/services/resources/apply-plan.ts";
import { readDocuments } from "../../../src/services/resources/read-documents.ts";
import { Resources } from "../../../src/services/resources/resources.ts";
import { startCore } from "../../support/appliance-core.ts";
import { told } from "../../support/cluster-documents.ts";
import { LIMITS } from "../../support/machines.ts";

const EXAMPLES = path.join(import.meta.dirname, "../../../examples");

/** Every file of documents: `examples/*.yaml` and `examples/<name>/cluster.yaml`. */
const FILES = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" })
  .filter((name) => name === "minimal.yaml" || name.endsWith("/cluster.yaml"))
  .sort();

function resolved(file: string) {
  const text = readFileSync(path.join(EXAMPLES, file), "utf8");
  const { resources, faults } = readDocuments([{ name: file, text }]);
  assert.deepEqual(told(faults), []);
  const set = resolveResources(resources);
  assert.deepEqual(told(set.faults), []);
  return set;
}

const addons = new Map(CATALOGUE.map((addon) => [addon.name, addon]));

test("DESIGN-3.2 there is an example for the smallest cluster and for each seed", () => {
  const seeds = ["production-grade", "on-the-cheap", "debian-ha", "molly", "hard-way"];
  assert.deepEqual(FILES, ["minimal.yaml", ...seeds.map((seed) => `${seed}/cluster.yaml`)].sort());
});

for (const file of FILES) {
  test(`DESIGN-3.4 examples/${file} is valid as it stands`, () => {
    const set = resolved(file);
    const facts = { mode: "proxy" as const, address: "192.0.2.1", subnets: [], addons };
    const { faults } = judgeClusters(set, { facts, others: [] });
    assert.deepEqual(told(faults), []);
    for (const cluster of set.clusters) assert.ok(clusterView(cluster, set.machines).members.length > 0);
  });
}

for (const file of FILES) {
  test(`S2-07 examples/${file} is applied once; a second time changes nothing`, async (t) => {
    const { store, registry, events, clock, log, stop } = await startCore();
    t.after(stop);
    const facts = { mode: "proxy" as const, address: "192.0.2.1", subnets: [], addons };
    const options = { store: store.resources, registry, events, clock, log, limits: LIMITS };
    const resources = new Resources({ ...options, facts: () => facts, begun: () => true });
    await resources.start();
    const text = readFileSync(path.join(EXAMPLES, file), "utf8");
    const apply = () => resources.apply(readDocuments([{ name: file, text }]), "cli");
    const first = await apply();
    assert.ok(first.machines.length > 0 && first.machines.every(({ action }) => action === "register"));
    assert.deepEqual(
      registry.list().map(({ name }) => name),
      first.machines.map(({ name }) => name).sort(),
    );
    assert.ok(changesNothing(await apply()));
  });
}

test("DESIGN-3.4 examples/minimal.yaml is three control planes and two workers", () => {
  const { machines } = resolved("minimal.yaml");
  assert.deepEqual(
    machines.map(({ name, spec }) => `${name} ${spec.roles.join()} ${spec.address ?? ""}`),
    [
      "kube0 control-plane 10.20.0.10",
      "kube1 control-plane 10.20.0.11",
      "kube2 control-plane 10.20.0.12",
      "work0 worker 10.20.0.20",
      "work1 worker 10.20.0.21",
    ],
  );
});
