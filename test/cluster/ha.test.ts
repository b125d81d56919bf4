import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterBed, needsClusterLab } from "../support/cluster/bed.ts";
import { isVoterAgain } from "../support/cluster/etcd-vote.ts";
import { etcdAnswers } from "../support/cluster/kills.ts";
import { isReady, type Kubectl } from "../support/cluster/kubectl.ts";
import { clusterFile, ENDPOINT, members, VIP } from "../support/cluster/lab-cluster.ts";
import { podOn, serviceOf, waitForPod } from "../support/cluster/pods.ts";
import { seededOrder } from "../support/cluster/seed.ts";
import { statusBecomes } from "../support/cluster/status.ts";
import { vipHolder, waitForApi } from "../support/cluster/vip.ts";

const ALL = members({ controlPlanes: 3, workers: 2 });
const SECONDS_TO_READY = 1200;
const FAILOVER_SECONDS = 5;

test("S2-24 three control planes and two workers, switched on in any order, become one cluster", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t);
  await bed.apply(clusterFile("lab", ALL, { endpoint: ENDPOINT }));
  await bed.installAll(ALL);
  const { order, pauses } = seededOrder(t, ALL);
  const on = bed.seconds;
  for (const [index, { name }] of order.entries()) {
    await bed.machine(name).powerOn();
    await delay(pauses[index]);
  }
  await bed.waitForReady(ALL, SECONDS_TO_READY);
  t.diagnostic(`all Ready ${(bed.seconds - on).toFixed(0)} s after the first was switched on`);
  const kubectl = await bed.kubectl("lab");

  await t.test("kubectl sees five Ready nodes through the kubeconfig that muster gave", async () => {
    const nodes = await kubectl.nodes();
    assert.deepEqual(
      nodes.map(({ metadata }) => metadata.name).sort(),
      ALL.map(({ name }) => name),
    );
    assert.ok(nodes.every(isReady));
  });
  await t.test(
    "S2-01, S4-20, S4-21 pods resolve names through the cluster IP and reach a service on the other worker",
    async () => reachesService(kubectl),
  );
  await t.test("S0-09, S0-10 muster cluster status says that the cluster is healthy", async (inner) => {
    const text = await statusBecomes(bed, {
      cluster: "lab",
      seconds: 120,
      isWanted: ({ healthy }) => healthy,
    });
    inner.diagnostic(text);
    assert.match(text, /^exit 0\nlab: healthy, 5 of 5 nodes ready$/m);
    assert.match(text, /^etcd +3 of 3\+ +1 /m);
    assert.match(text, /^dns +coredns +2\/2/m);
    assert.equal(text.match(/^(api|etcd) +c[123] +(ready|healthy)/gm)?.length, 6);
  });
  await t.test(
    "S0-16, S1-01 the API answers through the VIP within five seconds of its holder's death",
    async (inner) => survivesHolder(inner, bed),
  );
  await t.test(
    "S0-17 a control plane is reimaged: out of etcd and the cluster, installed, and back",
    async () => isReimaged(bed, kubectl),
  );
});

async function isReimaged(bed: ClusterBed, kubectl: Kubectl): Promise<void> {
  const name = "c3";
  const machine = bed.machine(name);
  await bed.waitForReady(ALL, SECONDS_TO_READY);
  const before = await kubectl.must(["get", "node", name, "-o", "jsonpath={.metadata.uid}"]);
  await bed.muster(["reimage", name, "--yes", "--force"]);
  await bed.appliance.waitForMachine(name, ({ state }) => state === "registered", SECONDS_TO_READY);
  const answers = await etcdAnswers(bed, [{ name: "c1" }, { name: "c2" }]);
  assert.ok(
    answers.every((answer) => answer.endsWith(" c1,c2")),
    answers.join("; "),
  );
  await machine.wipeDisk();
  await bed.install(machine);
  await machine.powerOn();
  await bed.waitForReady([{ name }], SECONDS_TO_READY);
  const voters = new Set(await etcdAnswers(bed, [{ name: "c1" }, { name: "c2" }, { name }]));
  assert.equal(voters.size, 1);
  assert.match([...voters][0] ?? "", / c1,c2,c3$/);
  const after = await kubectl.must(["get", "node", name, "-o", "jsonpath={.metadata.uid}"]);
  assert.notEqual(after, before, "it is another Node");
}

async function reachesService(kubectl: Kubectl): Promise<void> {
  await kubectl.apply(
    podOn("w1", "server", "echo from $(hostname) >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"),
  );
  await kubectl.apply(serviceOf("server", 8080));
  await kubectl.apply(podOn("w2", "client", "exec sleep 3600"));
  for (const name of ["server", "client"]) await waitForPod(kubectl, name);
  const inside = ["exec", "client", "--"];
  const lookup = [...inside, "nslookup", "kubernetes.default.svc.cluster.local"];
  assert.match(await kubectl.eventually(lookup, { seconds: 120 }), /10\.96\.0\.1\b/);
  const page = [...inside, "wget", "-q", "-O-", "-T", "5", "http://server.default.svc.cluster.local:8080/"];
  assert.match(await kubectl.eventually(page, { seconds: 60 }), /from server/);
}

async function survivesHolder(t: TestContext, bed: ClusterBed): Promise<void> {
  const holder = await vipHolder(bed, VIP);
  const killed = performance.now();
  await holder.powerOff();
  await waitForApi(bed, { address: VIP, port: 8443, seconds: 60 });
  const seconds = (performance.now() - killed) / 1000;
  t.diagnostic(`${holder.name} held the VIP; the API answered again after ${seconds.toFixed(1)} s`);
  assert.ok(seconds < FAILOVER_SECONDS, `it took ${seconds.toFixed(1)} s`);
  await tellsTheLoss(t, bed, holder.name);
  await holder.powerOn();
  await isVoterAgain(bed, holder.name);
}

/** With the holder dead the status says what is lost and what still holds. */
async function tellsTheLoss(t: TestContext, bed: ClusterBed, dead: string): Promise<void> {
  const text = await statusBecomes(bed, {
    cluster: "lab",
    seconds: 120,
    isWanted: ({ nodes }) => nodes.some(({ name, state }) => name === dead && state === "not-ready"),
  });
  t.diagnostic(text);
  assert.match(text, /^lab: works, \d+ problems, 4 of 5 nodes ready$/m);
  assert.match(text, new RegExp(`^ +- etcd on ${dead} is unreachable$`, "m"));
  assert.match(text, /^ +- etcd goes on with 2 of its 3 members and must not lose another$/m);
  assert.match(text, new RegExp(`^ +- the API server of ${dead} .* does not answer`, "m"));
  assert.match(text, /^endpoint +- +ready/m);
  assert.match(text, /^API server +2 of 2\+ +1 /m);
}
