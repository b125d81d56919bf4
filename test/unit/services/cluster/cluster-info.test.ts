import assert from "node:assert/strict";
import { test } from "node:test";
import { keepClusterInfo } from "../../../../src/services/cluster/cluster-info.ts";
import { rotatePki } from "../../../../src/services/cluster/pki-rotation.ts";
import type { Manifest } from "../../../../src/services/cluster/ports.ts";
import { aClusterPki } from "../../../support/cluster-pki.ts";
import { aCluster } from "../../../support/clusters.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { FakeCluster } from "../../../support/fake-cluster.ts";

const PATH = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
const cluster = aCluster({ spec: { pki: { keyAlgorithm: "ECDSA-P256" } } });

async function bench() {
  const clock = new FakeClock();
  const { pki, events, log } = await aClusterPki({ clock });
  const fake = FakeCluster.complete(cluster);
  const { ca } = await pki.ensure(cluster);
  const bundle = Buffer.from(ca.certificate).toString("base64");
  // As kubeadm writes it.
  const kubeconfig = `clusters:\n- cluster:\n    certificate-authority-data: ${bundle}\n    server: https://10.20.0.9:8443\n`;
  fake.objects.set(PATH, { data: { kubeconfig, "jws-kubeconfig-abcdef": "x" } });
  const keep = () => keepClusterInfo({ pki, access: fake, events, log }, cluster);
  return { pki, events, log, fake, clock, keep };
}

test("what kubeadm wrote is left alone", async () => {
  const { fake, keep } = await bench();
  await keep();
  assert.deepEqual(fake.applied, []);
});

test("S4-10 in a rotation machines that join are shown both authorities, once", async () => {
  const { pki, events, clock, fake, keep } = await bench();
  await rotatePki({ pki, events, clock }, { cluster, step: "trust", source: "test" });
  await keep();
  const [applied] = fake.applied as (Manifest & { data: { kubeconfig: string } })[];
  const shown = JSON.parse(applied?.data.kubeconfig ?? "") as {
    clusters: [{ cluster: { server: string; "certificate-authority-data": string } }];
  };
  assert.equal(shown.clusters[0].cluster.server, "https://10.20.0.9:8443");
  const pem = Buffer.from(shown.clusters[0].cluster["certificate-authority-data"], "base64").toString();
  assert.equal(pem.match(/BEGIN CERTIFICATE/g)?.length, 2);
  fake.objects.set(PATH, applied);
  await keep();
  assert.equal(fake.applied.length, 1);
  assert.equal(events.types.at(-1), "cluster-info-updated");
});

test("a cluster without it, or one that is silent, is left alone", async () => {
  const { fake, log, keep } = await bench();
  fake.objects.delete(PATH);
  await keep();
  fake.alive = false;
  await keep();
  assert.deepEqual(fake.applied, []);
  assert.deepEqual(
    log.lines.map(({ level }) => level),
    ["warn"],
  );
});
