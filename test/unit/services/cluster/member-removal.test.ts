import assert from "node:assert/strict";
import { test } from "node:test";
import type { MusterError } from "../../../../src/domain/errors.ts";
import { quorumGuard } from "../../../../src/services/cluster/member-guard.ts";
import { MemberRemoval } from "../../../../src/services/cluster/member-removal.ts";
import { Reimage } from "../../../../src/services/reimage.ts";
import type { FakeClock } from "../../../support/fake-clock.ts";
import { LIMITS } from "../../../support/machines.ts";
import { startTurns } from "../../../support/turn-services.ts";

/** Three control planes and two workers that are all in and ready, and what reimages them. */
async function ready() {
  const services = await startTurns();
  const { rack, core, turns, reports, look, states, clusters } = services;
  for (const machine of ["kube0", "kube1", "kube2", "work0", "work1"]) {
    const node = { machine, generation: 1 };
    look.forget("lab");
    rack.obey(machine, await turns.ask(node, rack.statusOf(machine)));
    while (rack.work(machine) === "working");
    await reports.report(node, { step: "kubeadm", state: "done" });
    rack.machine(machine).disk.joined = true;
    await core.registry.apply(machine, { type: "node-ready" }, "observer");
  }
  const shared = { clusters, states, machines: core.registry, look, events: core.events, clock: core.clock };
  /** How many voters there were when etcd was copied, each time. */
  const copies: number[] = [];
  const copyEtcd = (): Promise<void> => {
    copies.push(rack.alive()?.voters.size ?? 0);
    return Promise.resolve();
  };
  const build = (copy = copyEtcd) =>
    new MemberRemoval({
      ...{ ...shared, access: rack, timers: core.clock, log: core.log, drainMs: 60_000 },
      copyEtcd: copy,
    });
  const removal = build();
  const reimage = new Reimage({
    registry: core.registry,
    guards: [quorumGuard(shared)],
    removal,
    clock: core.clock,
    limits: LIMITS,
  });
  const state = (name: string) => core.registry.byName(name)?.state;
  return { ...services, removal, reimage, build, state, copies };
}

/** The same machines before any has joined, drained at once. */
async function notYetMembers() {
  const services = await startTurns();
  const { core, clusters, states, look, rack } = services;
  const shared = { clusters, states, machines: core.registry, look, events: core.events, clock: core.clock };
  const removal = new MemberRemoval({
    ...shared,
    access: rack,
    timers: core.clock,
    log: core.log,
    drainMs: 1,
  });
  const guards = [quorumGuard(shared)];
  const common = { registry: core.registry, clock: core.clock, limits: LIMITS };
  return { ...services, removal, reimage: new Reimage({ ...common, guards, removal }) };
}

/** Lets time pass in the steps in which a cluster is asked again. */
async function moveTime(clock: FakeClock): Promise<void> {
  for (let waited = 0; waited < 30; waited++) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(5_000);
  }
}

test("DESIGN-5.6 S0-17 a control plane is drained, leaves etcd, loses its Node, and is registered in its next generation", async () => {
  const { reimage, removal, rack, core, states, state } = await ready();
  const machine = await reimage.reimage("kube0", {}, "cli");
  assert.equal(machine.state, "draining");
  await removal.settled("kube0");
  assert.deepEqual([state("kube0"), core.registry.byName("kube0")?.generation], ["registered", 2]);
  assert.deepEqual([...(rack.alive()?.voters ?? [])], ["kube1", "kube2"]);
  assert.equal(rack.alive()?.nodes.has("kube0"), false);
  assert.deepEqual(rack.evictedFrom, ["kube0"]);
  assert.equal(states.get("lab").members.kube0, undefined);
  await assert.rejects(reimage.reimage("kube1", {}, "cli"), /kube0 is being reimaged|two members/);
});

test("S0-17 etcd is copied before a control plane leaves it, and not for a worker", async () => {
  const { reimage, removal, copies } = await ready();
  for (const name of ["work0", "kube2"]) {
    await reimage.reimage(name, {}, "cli");
    await removal.settled(name);
  }
  assert.deepEqual(copies, [3]);
});

test("S0-17 a machine whose etcd could not be copied leaves all the same, and the timeline says so", async () => {
  const { build, core, state } = await ready();
  const failing = build(() => Promise.reject(new TypeError("no space left on device")));
  await failing.begin(core.registry.byName("kube2")!, {}, "cli");
  await failing.settled("kube2");
  assert.equal(state("kube2"), "registered");
  const events = await core.events.list({ machine: "kube2", limit: 50 });
  assert.ok(events.some(({ type, level }) => type === "etcd-snapshot-failed" && level === "warning"));
});

test("DESIGN-5.6 a reimaged first control plane joins; it never initialises again", async () => {
  const { reimage, removal, rack, core, turns, reports } = await ready();
  await reimage.reimage("kube0", {}, "cli");
  await removal.settled("kube0");
  await core.registry.apply("kube0", { type: "installer-booted" }, "http");
  await core.registry.apply("kube0", { type: "install-finished", disks: [] }, "installer");
  await core.registry.apply("kube0", { type: "node-reported", generation: 2 }, "node");
  rack.reinstall("kube0", 2);
  const node = { machine: "kube0", generation: 2 };
  const reply = await turns.ask(node, rack.statusOf("kube0"));
  assert.deepEqual([reply.action, reply.role], ["join", "control-plane"]);
  rack.obey("kube0", reply);
  while (rack.work("kube0") === "working");
  await reports.report(node, { step: "kubeadm", state: "done" });
  assert.equal(rack.alive()?.voters.size, 3);
  assert.equal(rack.formed.length, 1);
});

test("DESIGN-5.6 a reimage that etcd would not survive is refused with what is missing, and force changes nothing", async () => {
  const { reimage, rack, state } = await ready();
  rack.kill("kube1");
  for (const force of [false, true]) {
    await assert.rejects(reimage.reimage("kube0", { force }, "cli"), (error: MusterError) => {
      assert.equal(error.code, "refused");
      assert.match(
        error.message,
        /lose its quorum: without it 2 of 2 members must work, and only 1 do \(kube2\)/,
      );
      return true;
    });
  }
  assert.equal(state("kube0"), "ready");
});

test("DESIGN-5.6 a dead control plane is taken out without being drained", async () => {
  const { reimage, removal, rack, core, state } = await ready();
  rack.kill("kube2");
  await core.registry.apply("kube2", { type: "node-lost", reason: "its Node is not ready" }, "observer");
  await reimage.reimage("kube2", {}, "cli");
  await removal.settled("kube2");
  assert.equal(state("kube2"), "registered");
  assert.deepEqual(rack.evictedFrom, []);
  assert.equal(rack.alive()?.voters.has("kube2"), false);
});

test("DESIGN-5.6 pods that a disruption budget protects end the reimage in time, and the node takes pods again; force loses them", async () => {
  const { reimage, removal, rack, core, state } = await ready();
  rack.protectedPods.set("work0", "default/db-0");
  await reimage.reimage("work0", {}, "cli");
  await moveTime(core.clock);
  await removal.settled("work0");
  assert.equal(state("work0"), "ready");
  assert.equal(rack.alive()?.unschedulable.has("work0"), false);
  const given = (await core.timeline("work0")).find(({ type }) => type === "reimage-given-up");
  assert.match(given?.message ?? "", /default\/db-0.*--force/);
  await reimage.reimage("work0", { force: true }, "cli");
  await moveTime(core.clock);
  await removal.settled("work0");
  assert.equal(state("work0"), "registered");
  assert.equal(rack.alive()?.nodes.has("work0"), false);
});

test("DESIGN-5.6 a worker whose cluster is silent is reimaged with force only", async () => {
  const { reimage, removal, rack, state } = await ready();
  rack.reachable = false;
  await reimage.reimage("work0", {}, "cli");
  await removal.settled("work0");
  assert.equal(state("work0"), "ready");
  await reimage.reimage("work0", { force: true }, "cli");
  await removal.settled("work0");
  assert.equal(state("work0"), "registered");
});

test("DESIGN-5.6 an etcd that has yet to settle is asked again until the member may leave", async () => {
  for (const force of [false, true]) {
    const { reimage, removal, rack, core, state } = await ready();
    rack.etcdUnsettled = 3;
    await reimage.reimage("kube2", { force }, "cli");
    await moveTime(core.clock);
    await removal.settled("kube2");
    assert.equal(state("kube2"), "registered");
    assert.equal(rack.alive()?.voters.has("kube2"), false);
  }
});

test("DESIGN-5.6 an etcd that never settles keeps its member; by force the machine goes, and the timeline says what stays", async () => {
  const { reimage, removal, rack, core, state } = await ready();
  rack.etcdUnsettled = Number.POSITIVE_INFINITY;
  await reimage.reimage("kube2", {}, "cli");
  await moveTime(core.clock);
  await removal.settled("kube2");
  assert.equal(state("kube2"), "ready");
  await reimage.reimage("kube2", { force: true }, "cli");
  await moveTime(core.clock);
  await removal.settled("kube2");
  assert.equal(state("kube2"), "registered");
  const said = (await core.timeline("kube2")).find(({ type }) => type === "member-removed");
  assert.ok(said);
  assert.equal(said.level, "warning");
  assert.match(said.message, /by force; .* \(etcdserver: unhealthy cluster\)/);
});

test("DESIGN-5.6 a restarted appliance goes on with a removal", async () => {
  const { core, build, rack, state } = await ready();
  await core.registry.apply("kube1", { type: "drain-started" }, "cli");
  const after = build();
  await after.start();
  await after.settled("kube1");
  assert.equal(state("kube1"), "registered");
  assert.equal(rack.alive()?.voters.has("kube1"), false);
});

test("DESIGN-5.6 the second control plane is not reimaged while it joins: with its vote and without it etcd would be dead", async () => {
  const { core, rack, turns, reports, removal, reimage } = await notYetMembers();
  const [first, second] = ["kube0", "kube1"].map((machine) => ({ machine, generation: 1 })) as [
    { machine: string; generation: number },
    { machine: string; generation: number },
  ];
  rack.obey("kube0", await turns.ask(first, rack.statusOf("kube0")));
  while (rack.work("kube0") === "working");
  await reports.report(first, { step: "kubeadm", state: "done" });
  rack.obey("kube1", await turns.ask(second, rack.statusOf("kube1")));
  rack.work("kube1");
  await assert.rejects(reimage.reimage("kube1", { force: true }, "cli"), /joins etcd at this moment/);
  assert.equal(core.registry.byName("kube1")?.state, "joining");

  await reports.report(second, { step: "kubeadm", state: "failed" });
  await reimage.reimage("kube1", { force: true }, "cli");
  await removal.settled("kube1");
  assert.equal(core.registry.byName("kube1")?.generation, 2);
});

test("DESIGN-5.6 stopping while a machine drains leaves it draining", async () => {
  const { reimage, removal, rack, state } = await ready();
  rack.protectedPods.set("work1", "default/db-1");
  await reimage.reimage("work1", {}, "cli");
  await removal.stop();
  assert.equal(state("work1"), "draining");
});

test("DESIGN-3.6 a machine in no cluster, or not yet in it, is reimaged at once", async () => {
  const { reimage } = await notYetMembers();
  assert.equal((await reimage.reimage("kube0", {}, "cli")).state, "registered");
});
