import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { ClusterBed, needsClusterLab } from "../support/cluster/bed.ts";
import { isReady } from "../support/cluster/kubectl.ts";
import { clusterFile, type LabMember } from "../support/cluster/lab-cluster.ts";

const SECONDS = 1200;
const CONTROL: LabMember = { name: "c1", number: 11, roles: ["control-plane"] };
const WORKER: LabMember = { name: "w1", number: 21, roles: ["worker"] };
const ALL = [CONTROL, WORKER];

test("S4-10 a cluster comes to be while its authorities are replaced", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t);
  await bed.apply(clusterFile("lab", ALL));
  await bed.muster(["cluster", "pki", "lab", "rotate", "trust", "--yes"]);
  await bed.installAll(ALL);
  await Promise.all(ALL.map(({ name }) => bed.machine(name).powerOn()));
  await bed.waitForReady(ALL, SECONDS);

  await t.test(
    "both authorities are trusted, and the controller manager signs with one of them",
    async () => {
      const control = bed.machine(CONTROL.name);
      const trusted = await control.must("cat /etc/kubernetes/pki/ca.crt");
      assert.equal(trusted.match(/BEGIN CERTIFICATE/g)?.length, 2);
      const signer = new X509Certificate(await control.must("cat /etc/kubernetes/pki/ca-signing.crt"));
      const own = await bed.machine(WORKER.name).must("cat /var/lib/kubelet/pki/kubelet-client-current.pem");
      assert.ok(new X509Certificate(own).verify(signer.publicKey));
      assert.equal(await bed.machine(WORKER.name).must("cat /etc/kubernetes/pki/ca.crt"), trusted);
    },
  );
  await t.test(
    "the worker joins again when the new authority signs what the appliance hands out",
    async () => {
      await bed.muster(["cluster", "pki", "lab", "rotate", "sign", "--yes"]);
      await bed.muster(["reimage", WORKER.name, "--yes", "--force"]);
      await bed.appliance.waitForMachine(WORKER.name, ({ state }) => state === "registered", SECONDS);
      const machine = bed.machine(WORKER.name);
      await machine.wipeDisk();
      await bed.install(machine);
      await machine.powerOn();
      await bed.waitForReady(ALL, SECONDS);
      const kubectl = await bed.kubectl("lab");
      assert.equal((await kubectl.nodes()).filter(isReady).length, 2);
    },
  );
});
