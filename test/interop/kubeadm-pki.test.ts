/** The real kubeadm: whether it takes the authorities that the appliance made, signs with them, and lets them be. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { systemClock } from "../../src/adapters/host/system-clock.ts";
import type { ClusterView } from "../../src/domain/cluster/members.ts";
import type { ClusterPki } from "../../src/services/cluster/cluster-pki.ts";
import { controlPlaneFiles } from "../../src/services/cluster/pki-files.ts";
import { rotatePki } from "../../src/services/cluster/pki-rotation.ts";
import { aClusterPki } from "../support/cluster-pki.ts";
import { aCluster, aMember } from "../support/clusters.ts";
import { compiledPrograms } from "../support/compiled-program.ts";
import { KeptEvents } from "../support/kept-events.ts";
import { LAB_VERSION } from "../support/kubernetes-components.ts";

const {
  paths: { kubeadm },
  skip,
} = compiledPrograms("kubeadm");

let directory: string;
let pki: ClusterPki;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-kubeadm-"));
  ({ pki } = await aClusterPki({ directory, clock: systemClock }));
});
after(() => rm(directory, { recursive: true }));

/** Lays a cluster's shared set out as on a control plane and lets kubeadm make the rest. */
async function certsOf(name: string, cluster: ClusterView): Promise<(file: string) => string> {
  const own = join(directory, name, "pki");
  for (const { path, mode, content } of await controlPlaneFiles(pki, cluster)) {
    const at = join(own, path.replace("/etc/kubernetes/pki/", ""));
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, content, { mode });
  }
  const external = `
etcd:
  external:
    endpoints: ["https://10.20.0.30:2379"]
    caFile: ${own}/etcd/ca.crt
    certFile: ${own}/apiserver-etcd-client.crt
    keyFile: ${own}/apiserver-etcd-client.key`;
  const config = join(directory, name, "kubeadm.yaml");
  await writeFile(
    config,
    `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: { advertiseAddress: 10.20.0.10, bindPort: 6443 }
nodeRegistration: { name: kube0, criSocket: "unix:///run/containerd/containerd.sock" }
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v${LAB_VERSION}
controlPlaneEndpoint: "10.20.0.9:8443"
certificatesDir: ${own}${cluster.spec.etcd.topology === "external" ? external : ""}
`,
  );
  execFileSync(kubeadm, ["init", "phase", "certs", "all", "--config", config], { stdio: "pipe" });
  execFileSync(
    kubeadm,
    ["init", "phase", "kubeconfig", "admin", "--config", config, "--kubeconfig-dir", join(directory, name)],
    { stdio: "pipe" },
  );
  return (file) => join(own, file);
}

function verify(authority: string, leaf: string, ...more: readonly string[]): string {
  return execFileSync("openssl", ["verify", ...more, "-CAfile", authority, leaf], { encoding: "utf8" });
}

test("S1-25 kubeadm signs with the appliance's authorities and leaves them as they are", {
  skip,
}, async () => {
  const cluster = aCluster();
  const at = await certsOf("stacked", cluster);
  for (const { path, content } of await controlPlaneFiles(pki, cluster))
    assert.equal(await readFile(at(path.replace("/etc/kubernetes/pki/", "")), "utf8"), content, path);
  const server = [at("ca.crt"), at("apiserver.crt")] as const;
  for (const name of [
    ["-verify_ip", "10.20.0.9"],
    ["-verify_ip", "10.20.0.10"],
    ["-verify_hostname", "kube0"],
  ])
    assert.match(verify(...server, "-purpose", "sslserver", ...name), /OK/);
  assert.match(verify(at("front-proxy-ca.crt"), at("front-proxy-client.crt"), "-purpose", "sslclient"), /OK/);
  for (const leaf of ["server", "peer"])
    assert.match(verify(at("etcd/ca.crt"), at(`etcd/${leaf}.crt`), "-purpose", "sslserver"), /OK/);
  assert.match(verify(at("etcd/ca.crt"), at("apiserver-etcd-client.crt"), "-purpose", "sslclient"), /OK/);
  const conf = await readFile(join(directory, "stacked", "admin.conf"), "utf8");
  const { ca } = await pki.ensure(cluster);
  assert.ok(conf.includes(Buffer.from(ca.certificate).toString("base64")));
});

test("S4-12 with an external etcd kubeadm is content with its authority's certificate and a client's", {
  skip,
}, async () => {
  const cluster = aCluster({
    spec: { etcd: { topology: "external" }, pki: { keyAlgorithm: "ECDSA-P256" } },
    name: "external",
    members: [
      aMember("kube0", { roles: ["control-plane"], host: 10 }),
      aMember("etcd0", { roles: ["etcd"], host: 30 }),
    ],
  });
  const at = await certsOf("external", cluster);
  assert.equal(existsSync(at("etcd/ca.key")), false);
  assert.match(verify(at("ca.crt"), at("apiserver.crt")), /OK/);
});

test("S4-10 in the middle of a rotation kubeadm signs with the first of both authorities", {
  skip,
}, async () => {
  const cluster = aCluster({ name: "rotating" });
  const before = await pki.ensure(cluster);
  const options = { pki, clock: systemClock, events: new KeptEvents() };
  for (const [step, signer] of [
    ["trust", "old"],
    ["sign", "new"],
  ] as const) {
    await rotatePki(options, { cluster, step, source: "test" });
    const at = await certsOf(step, cluster);
    const old = join(directory, "old.crt");
    await writeFile(old, before.ca.certificate);
    assert.match(verify(at("ca.crt"), at("apiserver.crt")), /OK/);
    const own = new X509Certificate(await readFile(at("apiserver.crt")));
    const fromOld = own.verify(new X509Certificate(before.ca.certificate).publicKey);
    assert.equal(fromOld, signer === "old");
  }
});
