import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterBed, needsClusterLab } from "../support/cluster/bed.ts";
import { EtcdWatch } from "../support/cluster/etcd-watch.ts";
import {
  carryOut,
  comesTo,
  etcdAnswers,
  type Fallen,
  KILL_STEPS,
  type Kill,
  randomKill,
} from "../support/cluster/kills.ts";
import { clusterFile, ENDPOINT, members } from "../support/cluster/lab-cluster.ts";
import { random, seedOf, shuffled } from "../support/cluster/seed.ts";

const ALL = members({ controlPlanes: 3, workers: 2 });
const CONTROL_PLANES = ALL.filter(({ roles }) => roles.includes("control-plane"));
const LATE = "w2";
const LATE_SECONDS = Number(process.env["CLUSTER_LATE_SECONDS"] ?? 30);
/** How long the holder of the init turn is away after its turn was given to another machine. */
const GONE_SECONDS = Number(process.env["CLUSTER_GONE_SECONDS"] ?? 60);
/** So long a holder that is back is looked at. */
const WATCHED_SECONDS = 90;
const SECONDS = 1500;

test("machines that lose power at any step, a killed appliance and a late machine end in the same one cluster", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t);
  await bed.apply(clusterFile("lab", ALL, { endpoint: ENDPOINT }));
  await bed.installAll(ALL);
  const next = random(seedOf(t));
  const kills = sample(next);
  const etcd = new EtcdWatch(CONTROL_PLANES.map(({ name }) => bed.machine(name)));
  t.after(() => etcd.stop());
  const early = shuffled(ALL, next).filter(({ name }) => name !== LATE);
  await Promise.all(early.map(({ name }) => bed.machine(name).powerOn()));
  await Promise.all([
    ...kills.map(async (kill) => note(t, await carryOut(bed, [kill], SECONDS))),
    restartAppliance(bed, 20_000 + Math.floor(next() * 60_000)),
    bed.waitForReady(early, SECONDS),
  ]);
  await delay(LATE_SECONDS * 1000);
  await bed.machine(LATE).powerOn();
  await bed.waitForReady(ALL, SECONDS);
  etcd.mustBeOnly(await isOneEtcd(bed));
  const kubectl = await bed.kubectl("lab");
  assert.equal((await kubectl.nodes()).length, ALL.length);
});

test("an init holder that comes back after its turn was given away cannot form a second cluster", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t);
  await bed.apply(clusterFile("lab", CONTROL_PLANES, { endpoint: ENDPOINT }));
  await bed.installAll(CONTROL_PLANES);
  await bed.machine("c1").powerOn();
  const [lost] = await firstAnswers(bed, [{ name: "c1" }]);
  await bed.machine("c1").powerOff();
  await Promise.all(["c2", "c3"].map((name) => bed.machine(name).powerOn()));
  await bed.appliance.waitForMachine("c2", ({ state }) => state === "waiting", SECONDS);
  await bed.muster(["cluster", "give-init", "lab", "--to", "c2", "--confirm-gone", "c1", "--yes"]);
  await bed.waitForReady([{ name: "c2" }, { name: "c3" }], SECONDS);
  const before = await etcdAnswers(bed, [{ name: "c2" }, { name: "c3" }]);
  t.diagnostic(`etcd was ${lost ?? ""} on c1 and is ${before[0] ?? ""}`);
  await delay(GONE_SECONDS * 1000);
  await bed.machine("c1").powerOn();
  await formsNothing(bed, before);
});

/** The holder is back with everything it had: the appliance refuses it, and neither its etcd nor its API server rises. */
async function formsNothing(bed: ClusterBed, before: readonly string[]): Promise<void> {
  const back = performance.now();
  let looks = 0;
  let answered = 0;
  while (performance.now() - back < WATCHED_SECONDS * 1000) {
    const { code, stdout } = await bed.machine("c1").run("ss", ["-Hltn"]);
    looks += 1;
    if (code === 0) answered += 1;
    assert.doesNotMatch(stdout, /:(2379|2380|6443)\b/, "c1 runs neither etcd nor an API server");
    await delay(1000);
  }
  assert.ok(answered > looks / 2, `c1 was up at ${answered} of ${looks} looks`);
  await hasLeft(bed);
  assert.deepEqual(await etcdAnswers(bed, [{ name: "c2" }, { name: "c3" }]), before);
  const kubectl = await bed.kubectl("lab");
  assert.deepEqual((await kubectl.nodes()).map(({ metadata }) => metadata.name).sort(), ["c2", "c3"]);
}

/** What it had begun is gone from its disk, and it forwards nothing to the cluster. */
async function hasLeft(bed: ClusterBed): Promise<void> {
  const traces = "ls -A /etc/kubernetes /var/lib/etcd; systemctl is-active haproxy keepalived";
  const said = await bed.machine("c1").run("sh", ["-c", traces]);
  assert.match(
    said.stdout,
    /^(inactive|failed)\n(inactive|failed)$/m,
    "c1 answers, and neither service runs",
  );
  assert.doesNotMatch(said.stdout, /admin\.conf|kubelet\.conf|pki|member|^active$/m);
}

/** What etcd says as soon as it says anything. */
async function firstAnswers(
  bed: ClusterBed,
  hosts: readonly { readonly name: string }[],
): Promise<readonly string[]> {
  const deadline = performance.now() + SECONDS * 1000;
  for (;;) {
    const answers = await etcdAnswers(bed, hosts).catch((error: unknown) => String(error));
    if (typeof answers !== "string") return answers;
    if (performance.now() > deadline) throw new Error(answers);
    await delay(200);
  }
}

/** One power cut for each machine that is there from the start. */
function sample(next: () => number): readonly Kill[] {
  return ALL.filter(({ name }) => name !== LATE).map((member) => {
    const steps = KILL_STEPS.filter((step) => comesTo(member, step));
    const step = steps[Math.floor(next() * steps.length)] ?? "kubeadm";
    const part = member.roles.includes("control-plane") ? "control-plane" : "worker";
    return randomKill({ machine: member.name, step, part }, next);
  });
}

function note(t: TestContext, fallen: readonly Fallen[]): void {
  for (const { kill, seconds } of fallen) {
    const said = seconds === undefined ? "was ready before" : `died ${seconds.toFixed(1)} s into`;
    t.diagnostic(`${kill.machine} ${said} ${kill.step}`);
  }
}

async function restartAppliance(bed: ClusterBed, after: number): Promise<void> {
  await delay(after);
  await bed.appliance.stop("SIGKILL");
  await delay(5000);
  await bed.appliance.start();
}

/** The id of the cluster that every member says it is in. */
async function isOneEtcd(bed: ClusterBed): Promise<string> {
  const answers = await etcdAnswers(bed, CONTROL_PLANES);
  assert.equal(new Set(answers).size, 1, `every member says the same: ${answers.join("; ")}`);
  assert.match(answers[0] ?? "", / c1,c2,c3$/);
  return answers[0]?.split(" ")[0] ?? "";
}
