import assert from "node:assert/strict";
import { test } from "node:test";
import type { MusterError } from "../../../../src/domain/errors.ts";
import { InitHandover } from "../../../../src/services/cluster/init-handover.ts";
import { NodeIdentities } from "../../../../src/services/node-identities.ts";
import { startTurns } from "../../../support/turn-services.ts";

const CLEAN = { kubeletConf: false, etcdData: false };

async function withHandover() {
  const services = await startTurns();
  const { core, clusters, states, look } = services;
  const { registry: machines, events, clock, store, log } = core;
  const { identities } = store;
  const handover = new InitHandover({ clusters, states, machines, identities, look, events, clock });
  const knownBy = new NodeIdentities({ store: identities, machines, events, clock, log });
  return { ...services, handover, knownBy };
}

function nodeOf(machine: string) {
  return { machine, generation: 1 };
}

test("DESIGN-5.6 a killed init holder that comes back after its turn was given away cannot form a second cluster", async () => {
  const { turns, rack, core, handover, knownBy, reports, secrets } = await withHandover();
  rack.obey("kube0", await turns.ask(nodeOf("kube0"), CLEAN));
  for (let piece = 0; piece < 3; piece++) rack.work("kube0");
  rack.kill("kube0");
  await handover.give("lab", { to: "kube1", confirmGone: "kube0" }, "cli");
  assert.deepEqual(core.registry.byName("kube0")?.failure?.reason.split(":")[0], "declared gone");

  rack.obey("kube1", await turns.ask(nodeOf("kube1"), CLEAN));
  while (rack.work("kube1") === "working");
  await reports.report(nodeOf("kube1"), { step: "kubeadm", state: "done" });

  core.clock.advance(3_600_000);
  rack.boot("kube0");
  const presented = {
    ...nodeOf("kube0"),
    serial: "kube0",
    keyHash: "key-kube0",
    expiresAt: Number.MAX_SAFE_INTEGER,
  };
  assert.deepEqual(await knownBy.identify(presented), { kind: "refused", reason: "it was revoked" });
  const told = await turns.ask(nodeOf("kube0"), rack.statusOf("kube0"));
  assert.equal(told.action, "leave");
  assert.equal((await secrets.secretsFor(nodeOf("kube0"), {})).kind, "refused");
  const outcome = await reports.report(nodeOf("kube0"), { step: "kubeadm", state: "done" });
  assert.equal(outcome.kind, "refused");
  rack.obey("kube0", told);
  assert.equal((await turns.ask(nodeOf("kube0"), CLEAN)).action, "leave", "until it is reimaged");
  assert.equal(rack.alive()?.id, "etcd-of-kube1");
});

const REFUSED = [
  [{ to: "kube1", confirmGone: "kube2" }, /held by kube0, not by kube2/],
  [{ to: "work0", confirmGone: "kube0" }, /work0 is no control plane/],
  [{ to: "kube0", confirmGone: "kube0" }, /cannot be gone and initialise/],
  [{ to: "kube9", confirmGone: "kube0" }, /has no machine named kube9/],
] as const;

for (const [request, reason] of REFUSED) {
  test(`DESIGN-5.6 the init turn is not given away by mistake: ${reason.source}`, async () => {
    const { turns, handover, states } = await withHandover();
    await turns.ask(nodeOf("kube0"), CLEAN);
    await assert.rejects(handover.give("lab", request, "cli"), reason);
    const { init } = states.get("lab");
    assert.equal(init.phase === "initialising" ? init.machine : "", "kube0");
  });
}

test("DESIGN-5.6 there is nothing to give away before the first turn, and after the cluster lives", async () => {
  const { handover, turns, rack, reports } = await withHandover();
  const request = { to: "kube1", confirmGone: "kube0" };
  await assert.rejects(handover.give("lab", request, "cli"), /nobody holds the turn/);
  rack.obey("kube0", await turns.ask(nodeOf("kube0"), CLEAN));
  while (rack.work("kube0") === "working");
  await reports.report(nodeOf("kube0"), { step: "kubeadm", state: "done" });
  await assert.rejects(handover.give("lab", request, "cli"), /initialised already; reimage/);
  await assert.rejects(handover.give("nothing", request, "cli"), /no cluster named nothing/);
});

test("DESIGN-5.6 a person lets a frozen cluster go on with the etcd that is the right one", async () => {
  const { handover, states } = await withHandover();
  await assert.rejects(
    handover.unfreeze("lab", {}, "cli"),
    (error: MusterError) => error.code === "refused" && /not frozen/.test(error.message),
  );
  await states.update("lab", (record) => ({
    ...record,
    init: { phase: "initialised", machine: "kube0", generation: 1, at: 1, etcdClusterId: "aa" },
    frozen: { reason: "etcd now has the cluster id bb", at: 2 },
  }));
  await handover.unfreeze("lab", { etcdClusterId: "bb" }, "cli");
  const { frozen, init } = states.get("lab");
  assert.deepEqual([frozen, init.phase === "initialised" ? init.etcdClusterId : ""], [undefined, "bb"]);
});
