import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { ClusterBed, needsClusterLab } from "../support/cluster/bed.ts";
import { isVoterAgain } from "../support/cluster/etcd-vote.ts";
import { isReady } from "../support/cluster/kubectl.ts";
import { clusterFile, ENDPOINT, members } from "../support/cluster/lab-cluster.ts";

const SECONDS = 1200;
const ALL = members({ controlPlanes: 3, workers: 0 });

test("S4-10 the authorities of three control planes are replaced, machine by machine, to the end", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t);
  await bed.apply(clusterFile("lab", ALL, { endpoint: ENDPOINT }));
  await bed.installAll(ALL);
  await Promise.all(ALL.map(({ name }) => bed.machine(name).powerOn()));
  await bed.waitForReady(ALL, SECONDS);
  const first = await authoritiesOn(bed, "c1");
  assert.equal(first.length, 1);

  for (const step of ["trust", "sign"]) {
    await bed.muster(["cluster", "pki", "lab", "rotate", step, "--yes"]);
    for (const { name } of ALL) await isReimaged(bed, name);
    for (const { name } of ALL) assert.equal((await authoritiesOn(bed, name)).length, 2, `${name}, ${step}`);
  }
  await bed.muster(["cluster", "pki", "lab", "rotate", "finish", "--yes"]);
  for (const { name } of ALL) await isReimaged(bed, name);

  const [left, ...others] = await authoritiesOn(bed, "c1");
  assert.deepEqual(others, []);
  assert.notEqual(left, first[0], "the old authority is trusted no more");
  const kubectl = await bed.kubectl("lab");
  assert.equal((await kubectl.nodes()).filter(isReady).length, ALL.length);
});

/** Fingerprints of the authorities that a control plane trusts. */
async function authoritiesOn(bed: ClusterBed, name: string): Promise<readonly string[]> {
  const bundle = await bed.machine(name).must("cat /etc/kubernetes/pki/ca.crt");
  const each = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return each.map((certificate) => new X509Certificate(certificate).fingerprint256);
}

/** Taken out of its cluster, installed anew, and a voter of etcd again before another may leave. */
async function isReimaged(bed: ClusterBed, name: string): Promise<void> {
  const machine = bed.machine(name);
  await bed.muster(["reimage", name, "--yes", "--force"]);
  await bed.appliance.waitForMachine(name, ({ state }) => state === "registered", SECONDS);
  await machine.wipeDisk();
  await bed.install(machine);
  await machine.powerOn();
  await bed.waitForReady(ALL, SECONDS);
  await isVoterAgain(bed, name);
}
