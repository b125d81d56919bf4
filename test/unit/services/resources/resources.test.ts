import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ConfigError, MusterError, TransitionError } from "../../../../src/domain/errors.ts";
import type { ClusterChange } from "../../../../src/services/clusters.ts";
import { changesNothing } from "../../../../src/services/resources/apply-plan.ts";
import { readDocuments } from "../../../../src/services/resources/read-documents.ts";
import { Resources } from "../../../../src/services/resources/resources.ts";
import { startCore } from "../../../support/appliance-core.ts";
import { CLUSTER, RACK } from "../../../support/cluster-documents.ts";
import { anInstalledMachine, LIMITS } from "../../../support/machines.ts";
import { MemoryStore } from "../../../support/memory-store.ts";

const read = (text: string) => readDocuments([{ name: "rack.yaml", text }]);

interface Options {
  readonly store?: MemoryStore;
  readonly begun?: boolean;
  readonly machines?: Parameters<typeof startCore>[0] extends infer O
    ? NonNullable<O> extends { machines?: infer M }
      ? M
      : never
    : never;
}

async function rack(
  t: TestContext,
  { store = new MemoryStore(), begun = false, machines = [] }: Options = {},
) {
  const core = await startCore({ store, machines });
  const { registry, clock, log } = core;
  const resources = new Resources({
    store: store.resources,
    registry,
    events: core.events,
    clock,
    log,
    limits: LIMITS,
    facts: () => RACK,
    begun: () => begun,
  });
  await resources.start();
  t.after(async () => {
    await resources.stop();
    await core.stop();
  });
  return { ...core, resources, apply: (text: string) => resources.apply(read(text), "cli") };
}

test("DESIGN-3.4 documents become a cluster and its machines, and applying them again changes nothing", async (t) => {
  const { apply, events, registry, resources, store } = await rack(t);
  const plan = await apply(CLUSTER);
  assert.deepEqual(
    plan.machines.map(({ name, action }) => [name, action]),
    ["kube0", "kube1", "kube2", "work0", "work1"].map((name) => [name, "register"]),
  );
  assert.deepEqual(
    registry.list().map(({ name, state, spec }) => [name, state, spec.cluster, spec.roles, spec.address]),
    [
      ["kube0", "registered", "lab", ["control-plane"], "10.20.0.10"],
      ["kube1", "registered", "lab", ["control-plane"], "10.20.0.11"],
      ["kube2", "registered", "lab", ["control-plane"], "10.20.0.12"],
      ["work0", "registered", "lab", ["worker"], "10.20.0.20"],
      ["work1", "registered", "lab", ["worker"], "10.20.0.21"],
    ],
  );
  const view = resources.clusters.get("lab");
  assert.deepEqual(
    view?.members.map(({ name }) => name),
    ["kube0", "kube1", "kube2", "work0", "work1"],
  );
  assert.equal(resources.clusters.ofMachine("work1"), view);
  await events.stop();
  const [told] = (await store.events.list({ limit: 100 })).filter(({ type }) => type === "documents-applied");
  assert.deepEqual([told?.source, told?.message], ["cli", "Cluster lab: create; 5 machines"]);
  const commits = store.commits;
  const again = await apply(CLUSTER);
  assert.ok(changesNothing(again));
  assert.equal(store.commits, commits, "nothing is written");
  assert.equal(resources.clusters.get("lab"), view, "the same value as before");
});

test("DESIGN-7 of documents with a fault nothing is applied, whatever else they say", async (t) => {
  const { apply, registry, resources, store } = await rack(t);
  const wrong = `${CLUSTER}---\napiVersion: muster/v1\nkind: Machine\nmetadata: { name: extra }\nspec: { mac: nonsense }\n`;
  await assert.rejects(apply(wrong), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /the documents have one fault; nothing was changed/);
    assert.equal(error.faults[0]?.line, 25);
    return true;
  });
  assert.deepEqual([registry.list(), await store.resources.all(), resources.clusters.list()], [[], [], []]);
});

test("DESIGN-5.13 what cannot be written is not shown either", async (t) => {
  const { apply, registry, resources, store } = await rack(t);
  store.break();
  await assert.rejects(apply(CLUSTER), MusterError);
  store.broken = undefined;
  assert.deepEqual([registry.list(), resources.list("Cluster"), resources.clusters.list()], [[], [], []]);
  await apply(CLUSTER);
  assert.equal(registry.list().length, 5);
});

test("DESIGN-5.13 documents and clusters are there again after a restart", async (t) => {
  const store = new MemoryStore();
  const first = await rack(t, { store });
  await first.apply(CLUSTER);
  const before = first.resources.clusters.get("lab");
  const { resources } = await restarted(t, store);
  assert.deepEqual(resources.clusters.get("lab"), before);
  assert.deepEqual(
    resources.list("Cluster").map(({ name, revision }) => [name, revision]),
    [["lab", 1]],
  );
});

async function restarted(t: TestContext, store: MemoryStore) {
  const core = await startCore({ store });
  const { registry, events, clock, log } = core;
  const options = { store: store.resources, registry, events, clock, log, limits: LIMITS };
  const resources = new Resources({ ...options, facts: () => RACK, begun: () => false });
  await resources.start();
  t.after(() => core.stop());
  return { resources };
}

test("DESIGN-3.1 a plan says what each machine boots, installs, wipes and joins, and changes nothing", async (t) => {
  const { resources, registry, apply } = await rack(t);
  const [machine] = resources.plan(read(CLUSTER)).machines;
  assert.deepEqual(machine, {
    name: "kube0",
    action: "register",
    changes: [],
    serves: "the installer: the machine is registered",
    installs: "Debian 13 (amd64) on the only disk",
    wipes: "nothing: it stops unless its install disk is blank",
    joins: "lab as control-plane at 10.20.0.10",
  });
  assert.deepEqual(registry.list(), []);
  await apply(CLUSTER);
  const changed = CLUSTER.replace(
    "roles: [worker]",
    "roles: [worker]\n      spec: { install: { wipe: true } }",
  );
  const plan = resources.plan(read(changed));
  assert.deepEqual(
    plan.machines
      .filter(({ action }) => action !== "unchanged")
      .map(({ name, wipes, changes }) => [name, wipes, changes]),
    ["work0", "work1"].map((name) => [
      name,
      "whatever its install disk holds",
      [{ path: "install.wipe", before: false, after: true }],
    ]),
  );
  assert.deepEqual(plan.resources[0]?.changes, [
    { path: "machines[1].spec", after: { install: { wipe: true } } },
  ]);
});

test("DESIGN-3.1 a plan shows beside each other what a machine gets now and then, and what its node payload loses and gains", async (t) => {
  const { apply, registry, resources } = await rack(t);
  await apply(CLUSTER);
  const changed = CLUSTER.replace(
    "  machines:",
    "  node: { packages: [htop], sysctls: { vm.max_map_count: 262144 } }\n  machines:",
  )
    .replace("roles: [worker]", "roles: [storage]\n      spec: { install: { wipe: true } }")
    .replace(
      "        - 52:54:00:12:34:03\n",
      "        - 52:54:00:12:34:03\n        - 52:54:00:12:34:04\n        - 52:54:00:12:34:05\n",
    )
    .replace("10.20.0.10-10.20.0.12", "10.20.0.10-10.20.0.14");
  const { machines } = resources.plan(read(changed));
  const of = (name: string) => machines.find((machine) => machine.name === name);
  const work0 = of("work0");
  assert.equal(work0?.now?.joins, "lab as worker at 10.20.0.20");
  assert.equal(work0.joins, "lab as storage at 10.20.0.20");
  assert.equal(work0.now.wipes, "nothing: it stops unless its install disk is blank");
  assert.equal(work0.wipes, "whatever its install disk holds");
  assert.ok(work0.payload?.includes("changes setting ROLES"));
  const kube0 = of("kube0");
  assert.equal(kube0?.action, "unchanged", "its own document says the same as before");
  for (const line of ["adds package htop", "adds kernel parameter vm.max_map_count=262144", "changes hosts"])
    assert.ok(kube0.payload?.includes(line), `${line} in ${String(kube0.payload?.join(", "))}`);
  assert.equal(of("kube3")?.now, undefined);
  assert.equal(of("kube3")?.payload, undefined);
  const fewer = resources.plan(read(CLUSTER.replace(', "52:54:00:12:34:12"', "")));
  const gone = fewer.machines.find(({ action }) => action === "forget");
  assert.deepEqual(
    [gone?.name, gone?.now?.joins, gone?.joins],
    ["work1", "lab as worker at 10.20.0.21", "-"],
  );
  assert.equal(registry.list().length, 5);
  const elsewhere = CLUSTER.replace(
    "network: {",
    "network: { nodes: { cidr: 10.20.0.0/24, gateway: 10.20.0.3 },",
  );
  assert.deepEqual(resources.plan(read(elsewhere)).machines.at(-1)?.payload, [
    "changes the network 10.20.0.21/24 by 10.20.0.1, names from 10.20.0.1 to the network 10.20.0.21/24 by 10.20.0.3",
  ]);
  const same = resources.plan(read(CLUSTER));
  assert.ok(same.machines.every(({ payload }) => payload === undefined));
});

test("DESIGN-4 a cluster of whose machines no plan can be made is refused, not left to its machines", async (t) => {
  const { apply } = await rack(t);
  const text = CLUSTER.replace("roles: [control-plane]", "roles: [control-plane, etcd]").replace(
    "  network:",
    "  etcd: { topology: external }\n  network:",
  );
  await assert.rejects(apply(text), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.faults[0]?.message ?? "", /cannot run an external etcd beside Kubernetes/);
    assert.equal(error.faults[0]?.file, "rack.yaml");
    return true;
  });
});

test("S1-27 a machine that is installed keeps its system when its document changes", async (t) => {
  const kube0 = anInstalledMachine({ name: "kube0", state: "ready", spec: { mac: "52:54:00:12:34:01" } });
  const { resources, apply, registry } = await rack(t, { machines: [kube0] });
  const planned = resources.plan(read(CLUSTER)).machines.find(({ name }) => name === "kube0");
  assert.deepEqual(
    [planned?.action, planned?.state, planned?.installs, planned?.wipes],
    ["change", "ready", "nothing until it is reimaged", "nothing"],
  );
  assert.match(planned?.serves ?? "", /^its own disk: the machine is ready/);
  await apply(CLUSTER);
  const { state, generation, spec } = registry.byName("kube0") ?? {};
  assert.deepEqual([state, generation, spec?.cluster], ["ready", 1, "lab"]);
});

test("S4-02 a machine taken out of the list is forgotten, unless it is in use", async (t) => {
  const { apply, registry } = await rack(t);
  await apply(CLUSTER);
  const fewer = CLUSTER.replace(', "52:54:00:12:34:12"', "");
  const plan = await apply(fewer);
  assert.deepEqual(plan.machines.at(-1)?.action, "forget");
  assert.equal(registry.byName("work1"), undefined);
  await registry.apply("work0", { type: "installer-booted" }, "dhcp");
  const none = fewer.slice(0, fewer.indexOf("    - names: work#"));
  await assert.rejects(apply(none), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(
      error.faults[0]?.message ?? "",
      /work0: no document describes it any more, but machine work0 is installing; retire it first/,
    );
    return true;
  });
  assert.equal(registry.byName("work0")?.state, "installing");
});

test("DESIGN-3.4 two machines may change their MACs with each other in one go", async (t) => {
  const { apply, registry } = await rack(t);
  await apply(CLUSTER);
  const swapped = CLUSTER.replace("34:01\n", "34:99\n")
    .replace("34:02\n", "34:01\n")
    .replace("34:99\n", "34:02\n");
  await apply(swapped);
  assert.deepEqual(
    ["52:54:00:12:34:01", "52:54:00:12:34:02"].map((mac) => registry.byMac(mac)?.name),
    ["kube1", "kube0"],
  );
});

test("DESIGN-3.4 a MAC of a machine that no document describes is refused, naming it", async (t) => {
  const { apply, registry } = await rack(t, {
    machines: [anInstalledMachine({ name: "db", spec: { mac: "52:54:00:12:34:11" } })],
  });
  await assert.rejects(apply(CLUSTER), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.faults[0]?.message ?? "", /52:54:00:12:34:11 belongs to machine (db|work0)/);
    return true;
  });
  assert.equal(registry.list().length, 1);
});

test("DESIGN-3.6 a machine that was retired stays so, until another one comes under its name", async (t) => {
  const { apply, registry, resources } = await rack(t);
  await apply(CLUSTER);
  await registry.retire("work1", "cli");
  assert.deepEqual(
    resources.clusters
      .get("lab")
      ?.members.map(({ name }) => name)
      .includes("work1"),
    false,
  );
  const again = await apply(CLUSTER);
  assert.ok(changesNothing(again));
  assert.match(again.warnings.at(-1)?.message ?? "", /work1 is retired and stays so/);
  await apply(CLUSTER.replace("52:54:00:12:34:12", "52:54:00:12:34:55"));
  assert.equal(registry.byName("work1")?.state, "registered");
});

test("S2-07 what is written into certificates and nodes is fixed once the cluster has begun", async (t) => {
  const store = new MemoryStore();
  const { apply } = await rack(t, { store, begun: true });
  await apply(CLUSTER);
  await assert.rejects(
    apply(CLUSTER.replace("10.20.0.9", "10.20.0.8").replace("10.244.0.0/16", "10.200.0.0/16")),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(
        error.faults.map(({ path, line }) => [path, line]),
        [
          ["Cluster lab, endpoint.address", 5],
          ["Cluster lab, network.podCIDR", 6],
        ],
      );
      return true;
    },
  );
});

test("S2-07 a machine that is in its cluster keeps its address and roles until it is reimaged", async (t) => {
  const spec = {
    mac: "52:54:00:12:34:11",
    cluster: "lab",
    roles: ["worker" as const],
    address: "10.20.0.20",
  };
  const work0 = anInstalledMachine({ name: "work0", state: "ready", spec });
  const { apply, registry } = await rack(t, { machines: [work0], begun: true });
  await apply(CLUSTER);
  const moved = CLUSTER.replace("addresses: 10.20.0.20", "addresses: 10.20.0.30");
  await assert.rejects(apply(moved), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.faults[0]?.message ?? "", /work0 is ready in cluster lab.*muster reimage work0/);
    assert.equal(error.faults[0]?.line, 19);
    return true;
  });
  assert.equal(registry.byName("work0")?.spec.address, "10.20.0.20");
});

test("DESIGN-3.1 a cluster is deleted with the machines in its groups, but not while one is in use", async (t) => {
  const { apply, registry, resources } = await rack(t);
  const heard: ClusterChange["kind"][] = [];
  resources.clusters.subscribe(({ kind }) => heard.push(kind));
  await apply(CLUSTER);
  await registry.apply("kube0", { type: "installer-booted" }, "dhcp");
  await assert.rejects(resources.remove("Cluster", "lab", "cli"), /fault/);
  await registry.retire("kube0", "cli");
  const plan = await resources.remove("Cluster", "lab", "cli");
  assert.deepEqual(plan.resources, [{ kind: "Cluster", name: "lab", action: "delete", changes: [] }]);
  assert.deepEqual([registry.list(), resources.clusters.list()], [[], []]);
  assert.equal(heard.at(-1), "removed");
  await assert.rejects(resources.remove("Cluster", "lab", "cli"), /there is no Cluster named lab/);
});

test("DESIGN-3.1 a machine that a cluster counts has no document to delete, and the answer says where it stands", async (t) => {
  const { apply, resources } = await rack(t);
  await apply(CLUSTER);
  await assert.rejects(
    resources.remove("Machine", "kube0", "cli"),
    /kube0 is one of the machines that Cluster lab counts/,
  );
});

test("DESIGN-3.1 a profile in use is not deleted", async (t) => {
  const { apply, resources } = await rack(t);
  await apply(
    `apiVersion: muster/v1\nkind: Profile\nmetadata: { name: p }\nspec: {}\n---\n${CLUSTER.replace("  machines:", "  profile: p\n  machines:")}`,
  );
  await assert.rejects(resources.remove("Profile", "p", "cli"), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.faults[0]?.message ?? "", /there is no Profile named "p"/);
    return true;
  });
});

test("DESIGN-3.4 a machine registered by itself joins the cluster that it names", async (t) => {
  const { apply, registry, resources } = await rack(t);
  await apply(CLUSTER);
  const before = resources.clusters.get("lab");
  const { machineSpecSchema } = await import("../../../../src/domain/machine-spec.ts");
  const spec = machineSpecSchema.parse({
    mac: "52:54:00:12:34:77",
    cluster: "lab",
    roles: ["worker"],
    address: "10.20.0.77",
  });
  await registry.register({ name: "late", spec }, "cli");
  const after = resources.clusters.get("lab");
  assert.notEqual(after, before);
  assert.equal(
    after?.members.some(({ name }) => name === "late"),
    true,
  );
  await registry.apply("late", { type: "installer-booted" }, "dhcp");
  assert.equal(
    resources.clusters.get("lab"),
    after,
    "how far a machine is changes nothing about the cluster",
  );
});

test("DESIGN-6 a cluster whose machines all change at once is told once", async (t) => {
  const { apply, resources } = await rack(t);
  await apply(CLUSTER);
  const heard: ClusterChange[] = [];
  resources.clusters.subscribe((change) => heard.push(change));
  await apply(CLUSTER.replace("  machines:", "  defaults: { timezone: Europe/Berlin }\n  machines:"));
  await Promise.resolve();
  assert.equal(heard.length <= 2, true, "once for the machines, once for the cluster's own document");
  const last = heard.at(-1);
  assert.deepEqual(
    last?.kind === "changed" && last.cluster.members.map(({ spec }) => spec.timezone),
    Array(5).fill("Europe/Berlin"),
  );
});

test("DESIGN-7 a machine that no document describes stops no documents, only a conflict with it does", async (t) => {
  const lost = anInstalledMachine({
    name: "lost",
    spec: { mac: "52:54:00:12:34:77", cluster: "lab", roles: ["worker"] },
  });
  const { apply } = await rack(t, { machines: [lost] });
  const { warnings } = await apply(CLUSTER);
  assert.match(warnings.map(({ message }) => message).join(), /lost needs an address of its own/);
  await assert.rejects(apply(CLUSTER.replace("34:12", "34:77")), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.faults[0]?.message ?? "", /52:54:00:12:34:77 belongs to machine lost/);
    assert.equal(error.faults[0]?.line, 20);
    return true;
  });
});

test("DESIGN-3.4 a machine that came into use meanwhile is not forgotten", async (t) => {
  const { registry } = await rack(t, { machines: [anInstalledMachine({ name: "db" })] });
  await assert.rejects(
    registry.applyBatch({ machines: [], forget: ["db"], documents: [] }, "cli"),
    TransitionError,
  );
  assert.equal(registry.byName("db")?.state, "installed");
});
