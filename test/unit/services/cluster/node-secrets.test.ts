import assert from "node:assert/strict";
import { test } from "node:test";
import { startTurns } from "../../../support/turn-services.ts";

const CLEAN = { kubeletConf: false, etcdData: false };
const KUBE0 = { machine: "kube0", generation: 1 };

test("DESIGN-3.7 secrets come with the turn, again and again, until they are kept", async () => {
  const { secrets, turns, core } = await startTurns();
  const early = await secrets.secretsFor(KUBE0, {});
  assert.ok(early.kind === "refused" && early.code === "not-permitted-now");
  await turns.ask(KUBE0, CLEAN);
  for (let cut = 0; cut < 2; cut++) assert.equal((await secrets.secretsFor(KUBE0, {})).kind, "files");
  await secrets.kept(KUBE0);
  const late = await secrets.secretsFor(KUBE0, { address: "10.20.0.66" });
  assert.ok(late.kind === "refused" && late.code === "forbidden");
  const types = (await core.timeline("kube0")).map(({ type, level }) => `${type} ${level}`);
  assert.ok(types.includes("secrets-given info"));
  assert.ok(types.includes("secrets-refused alarm"));
});

test("DESIGN-3.7 a worker never gets a key of an authority, whatever turn it has", async () => {
  const { secrets, turns, rack } = await startTurns();
  rack.obey("kube0", await turns.ask(KUBE0, CLEAN));
  const worker = await secrets.secretsFor({ machine: "work0", generation: 1 }, {});
  assert.ok(worker.kind === "refused" && worker.code === "forbidden");
});

test("DESIGN-3.7 a held machine gets no secrets", async () => {
  const { secrets, turns, core } = await startTurns();
  await turns.ask(KUBE0, CLEAN);
  await core.registry.hold("kube0", "a second key asked", "node");
  const held = await secrets.secretsFor(KUBE0, {});
  assert.ok(held.kind === "refused" && /held: a second key asked/.test(held.reason));
});

test("DESIGN-3.7 a machine that was told to reset itself may fetch its secrets again with its next turn", async () => {
  const { secrets, turns, reports, look } = await startTurns();
  await turns.ask(KUBE0, CLEAN);
  await secrets.kept(KUBE0);
  for (let failure = 0; failure < 3; failure++)
    await reports.report(KUBE0, { step: "kubeadm", state: "failed" });
  look.forget("lab");
  assert.equal((await turns.ask(KUBE0, { kubeletConf: true, etcdData: true })).action, "reset");
  await reports.report(KUBE0, { step: "reset", state: "done" });
  await turns.ask(KUBE0, CLEAN);
  assert.equal((await secrets.secretsFor(KUBE0, {})).kind, "files");
});
