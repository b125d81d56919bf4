import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterBed, needsClusterLab } from "../support/cluster/bed.ts";
import { carryOut, comesTo, etcdAnswers, KILL_STEPS, type Kill } from "../support/cluster/kills.ts";
import { clusterFile, ENDPOINT, members } from "../support/cluster/lab-cluster.ts";
import { random, seedOf, shuffled } from "../support/cluster/seed.ts";

const ALL = members({ controlPlanes: 3, workers: 2 });
const CONTROL_PLANES = ALL.filter(({ roles }) => roles.includes("control-plane"));
const LATE = "w2";
const LATE_SECONDS = Number(process.env["CLUSTER_LATE_SECONDS"] ?? 30);
const SECONDS = 1500;

test("machines that lose power at any step, a killed appliance and a late machine end in the same one cluster", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t);
  await bed.apply(clusterFile("lab", ALL, { endpoint: ENDPOINT }));
  await bed.installAll(ALL);
  const next = random(seedOf(t));
  const kills = sample(next);
  for (const kill of kills) t.diagnostic(`${kill.machine} dies ${kill.after} ms into ${kill.step}`);
  const early = shuffled(ALL, next).filter(({ name }) => name !== LATE);
  await Promise.all(early.map(({ name }) => bed.machine(name).powerOn()));
  await Promise.all([
    ...kills.map(async (kill) => note(t, kill, await carryOut(bed, kill, SECONDS))),
    restartAppliance(bed, 20_000 + Math.floor(next() * 60_000)),
    bed.waitForReady(early, SECONDS),
  ]);
  await delay(LATE_SECONDS * 1000);
  await bed.machine(LATE).powerOn();
  await bed.waitForReady(ALL, SECONDS);
  await isOneEtcd(bed);
  const kubectl = await bed.kubectl("lab");
  assert.equal((await kubectl.nodes()).length, ALL.length);
});

test("an init holder that comes back after its turn was given away cannot form a second cluster", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t);
  await bed.apply(clusterFile("lab", CONTROL_PLANES, { endpoint: ENDPOINT }));
  await bed.installAll(CONTROL_PLANES);
  await bed.machine("c1").powerOn();
  await bed.appliance.waitForMachine("c1", ({ stage }) => stage === "kubeadm", SECONDS);
  await delay(4000);
  await bed.machine("c1").powerOff();
  await bed.machine("c2").powerOn();
  await bed.machine("c3").powerOn();
  await bed.appliance.waitForMachine("c2", ({ state }) => state === "waiting", SECONDS);
  await bed.muster(["cluster", "give-init", "lab", "--to", "c2", "--confirm-gone", "c1", "--yes"]);
  await bed.waitForReady([{ name: "c2" }, { name: "c3" }], SECONDS);
  const before = await etcdAnswers(bed, [{ name: "c2" }, { name: "c3" }]);
  await bed.machine("c1").powerOn();
  await delay(60_000);
  const after = await etcdAnswers(bed, [{ name: "c2" }, { name: "c3" }]);
  assert.deepEqual(after, before, "the etcd cluster is what it was");
  const { stdout } = await bed.machine("c1").run("ss", ["-Hltn"]);
  assert.doesNotMatch(stdout, /:(2379|6443)\b/, "c1 runs neither etcd nor an API server");
  const kubectl = await bed.kubectl("lab");
  assert.deepEqual((await kubectl.nodes()).map(({ metadata }) => metadata.name).sort(), ["c2", "c3"]);
});

/** One power cut for each machine that is there from the start. */
function sample(next: () => number): readonly Kill[] {
  return ALL.filter(({ name }) => name !== LATE).map((member) => {
    const steps = KILL_STEPS.filter((step) => comesTo(member, step));
    return {
      machine: member.name,
      step: steps[Math.floor(next() * steps.length)] ?? "kubeadm",
      after: Math.floor(next() * 3000),
      off: 500 + Math.floor(next() * 3000),
    };
  });
}

function note(t: TestContext, kill: Kill, fell: boolean): void {
  if (!fell) t.diagnostic(`${kill.machine} was ready before its ${kill.step} was seen`);
}

async function restartAppliance(bed: ClusterBed, after: number): Promise<void> {
  await delay(after);
  await bed.appliance.stop("SIGKILL");
  await delay(5000);
  await bed.appliance.start();
}

async function isOneEtcd(bed: ClusterBed): Promise<void> {
  const answers = await etcdAnswers(bed, CONTROL_PLANES);
  assert.equal(new Set(answers).size, 1, `every member says the same: ${answers.join("; ")}`);
  assert.match(answers[0] ?? "", / c1,c2,c3$/);
}
