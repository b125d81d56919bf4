/**
 * A real API server over a real etcd, without nodes: whether the appliance's client, tokens, manifests and approvals are what
 * Kubernetes takes, and whether kubectl takes the kubeconfigs.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../src/adapters/host/system-clock.ts";
import { clusterAccess } from "../../src/adapters/kubernetes/cluster-access.ts";
import { readRequestedNames } from "../../src/adapters/pki/requested-names.ts";
import type { ClusterView } from "../../src/domain/cluster/members.ts";
import type { ClusterPki } from "../../src/services/cluster/cluster-pki.ts";
import { makeKubeconfig } from "../../src/services/cluster/kubeconfig.ts";
import { lookAtCluster } from "../../src/services/cluster/look-at-cluster.ts";
import { controlPlaneFiles, etcdHostFiles } from "../../src/services/cluster/pki-files.ts";
import type { ClusterAccess, KubernetesAccess, Manifest } from "../../src/services/cluster/ports.ts";
import { ServingCertificates } from "../../src/services/cluster/serving-certificates.ts";
import { aClusterPki } from "../support/cluster-pki.ts";
import { aCluster, aMember } from "../support/clusters.ts";
import { compiledPrograms } from "../support/compiled-program.ts";
import { KeptEvents } from "../support/kept-events.ts";
import { KeptLog } from "../support/kept-log.ts";

const { paths, skip: uncompiled } = compiledPrograms("kube-apiserver", "kubectl");
const ownEtcd = compiledPrograms("etcd");
const etcd = ownEtcd.skip === false ? ownEtcd.paths.etcd : "etcd";
const noEtcd = spawnSync(etcd, ["--version"]).status !== 0 && "needs etcd: apt-get install etcd-server";
const skip = uncompiled || noEtcd;

/** A loopback address of this very run: the usual ports are free there. */
const ADDRESS = `127.45.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`;
const running: ChildProcess[] = [];
let directory: string;
let pki: ClusterPki;
let cluster: ClusterView;
let access: ClusterAccess;
let kubernetes: KubernetesAccess;

before(async () => {
  if (skip !== false) return;
  directory = await mkdtemp(join(tmpdir(), "muster-apiserver-"));
  ({ pki } = await aClusterPki({ directory, clock: systemClock }));
  cluster = aCluster({
    spec: {
      endpoint: undefined,
      pki: { keyAlgorithm: "ECDSA-P256" },
      kubelet: { config: { serverTLSBootstrap: true } },
    },
    members: [
      aMember("kube0", { roles: ["control-plane"], host: 10, address: ADDRESS }),
      aMember("work0", { roles: ["worker"], host: 20 }),
    ],
  });
  await writeFiles();
  startEtcd();
  startApiServer();
  access = clusterAccess({ pki, clock: systemClock });
  kubernetes = await access.kubernetes(cluster);
  for (let attempt = 0; attempt < 600; attempt++) {
    if ((await kubernetes.readyz({ address: ADDRESS, port: 6443 })).kind === "ready") return;
    await pause(500);
  }
  assert.fail(
    `the API server is not ready: ${(await readFile(file("kube-apiserver.log"), "utf8")).slice(-2000)}`,
  );
});

after(async () => {
  for (const each of running.reverse()) each.kill("SIGKILL");
  if (skip === false) await rm(directory, { recursive: true });
});

const file = (name: string): string => join(directory, name);

async function writeFiles(): Promise<void> {
  const member = cluster.members[0]!;
  const shared = await controlPlaneFiles(pki, cluster);
  const etcd = await etcdHostFiles(pki, { cluster, member });
  for (const { path, content } of [...shared, ...etcd]) {
    const name = path.includes("/etcd/") ? `etcd-${basename(path)}` : basename(path);
    await writeFile(file(name), content, { mode: 0o600 });
  }
  const server = await pki.leaf(cluster, {
    authority: "ca",
    purpose: "server",
    commonName: "kube-apiserver",
    organisations: [],
    alternativeNames: [ADDRESS, "kubernetes"],
    lifetimeMs: 3_600_000,
  });
  await writeFile(file("apiserver.crt"), server.certificate);
  await writeFile(file("apiserver.key"), server.key);
}

function start(program: string, args: readonly string[]): void {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const log = createWriteStream(file(`${basename(program)}.log`));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  running.push(child);
}

function startEtcd(): void {
  const urls = (port: number): string => `https://${ADDRESS}:${port}`;
  start(etcd, [
    ...["--name", "kube0", "--data-dir", file("etcd"), "--initial-cluster", `kube0=${urls(2380)}`],
    ...["--listen-client-urls", urls(2379), "--advertise-client-urls", urls(2379)],
    ...["--listen-peer-urls", urls(2380), "--initial-advertise-peer-urls", urls(2380)],
    ...["--client-cert-auth", "--trusted-ca-file", file("etcd-ca.crt")],
    ...["--cert-file", file("etcd-server.crt"), "--key-file", file("etcd-server.key")],
    ...["--peer-client-cert-auth", "--peer-trusted-ca-file", file("etcd-ca.crt")],
    ...["--peer-cert-file", file("etcd-peer.crt"), "--peer-key-file", file("etcd-peer.key")],
  ]);
}

function startApiServer(): void {
  start(paths["kube-apiserver"], [
    ...["--bind-address", ADDRESS, "--secure-port", "6443", "--advertise-address", "192.0.2.10"],
    ...["--etcd-servers", `https://${ADDRESS}:2379`, "--etcd-cafile", file("etcd-ca.crt")],
    ...["--etcd-certfile", file("etcd-healthcheck-client.crt")],
    ...["--etcd-keyfile", file("etcd-healthcheck-client.key")],
    ...["--client-ca-file", file("ca.crt"), "--tls-cert-file", file("apiserver.crt")],
    ...["--tls-private-key-file", file("apiserver.key"), "--service-account-key-file", file("sa.pub")],
    ...["--service-account-signing-key-file", file("sa.key"), "--enable-bootstrap-token-auth"],
    ...["--service-account-issuer", "https://kubernetes.default.svc.cluster.local"],
    ...["--service-cluster-ip-range", "10.96.0.0/16", "--authorization-mode", "Node,RBAC"],
    // Pods of this test have no controller that would make them an account.
    ...["--disable-admission-plugins", "ServiceAccount"],
  ]);
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const made = await makeKubeconfig(pki, { cluster, request: { user: "jane", groups: ["system:masters"] } });
  await writeFile(file("kubeconfig"), made.text, { mode: 0o600 });
  return execFileSync(paths.kubectl, ["--kubeconfig", file("kubeconfig"), ...args], { encoding: "utf8" });
}

test("S1-10 S3-14 kubectl works with a kubeconfig the appliance signed, as the user it names", {
  skip,
}, async () => {
  const who = JSON.parse(await kubectl("auth", "whoami", "-o", "json")) as {
    status: { userInfo: { username: string; groups: string[] } };
  };
  assert.equal(who.status.userInfo.username, "jane");
  assert.ok(who.status.userInfo.groups.includes("system:masters"));
});

test("S4-15 a real API server says that it is ready, and a stranger is known by its certificate", {
  skip,
}, async () => {
  const at = { address: ADDRESS, port: 6443 };
  assert.deepEqual(await kubernetes.readyz(at), { kind: "ready" });
  const stranger = await aClusterPki({ clock: systemClock });
  const strange = await clusterAccess({ pki: stranger.pki, clock: systemClock }).kubernetes(cluster);
  assert.deepEqual(await strange.readyz(at), { kind: "foreign", issuer: "CN=kubernetes" });
  await assert.rejects(strange.nodes(), { name: "ClusterUnreachableError" });
});

test("nodes are read, closed, opened and deleted", { skip }, async () => {
  const metadata = { name: "work9", labels: { "example.com/a": "", "example.com/b": "" } };
  await kubernetes.apply([{ apiVersion: "v1", kind: "Node", metadata }]);
  assert.equal(await kubernetes.removeLabels("work9", ["example.com/a", "example.com/none"]), "done");
  assert.deepEqual((await kubernetes.node("work9"))?.labels, { "example.com/b": "" });
  assert.equal((await kubernetes.node("work9"))?.ready, false);
  assert.equal(await kubernetes.setSchedulable("work9", false), "done");
  assert.equal((await kubernetes.node("work9"))?.unschedulable, true);
  assert.equal(await kubernetes.setSchedulable("work9", true), "done");
  assert.equal((await kubernetes.node("work9"))?.unschedulable, false);
  assert.equal(await kubernetes.deleteNode("work9"), "deleted");
  assert.equal(await kubernetes.deleteNode("work9"), "absent");
});

test("a bootstrap token opens the API for a joining machine, and nothing after it was deleted", {
  skip,
}, async () => {
  const made = await kubernetes.createBootstrapToken({ lifetimeMs: 600_000, description: "turn of work0" });
  const ask = (): { status: number | null; stdout: string } =>
    spawnSync(
      paths.kubectl,
      [
        ...["--server", `https://${ADDRESS}:6443`, "--certificate-authority", file("ca.crt")],
        ...["--kubeconfig", "/dev/null", "--token", made.token, "auth", "whoami", "-o", "json"],
      ],
      { encoding: "utf8" },
    );
  for (let attempt = 0; ask().status !== 0 && attempt < 20; attempt++) await pause(500);
  const { username, groups } = (
    JSON.parse(ask().stdout) as { status: { userInfo: { username: string; groups: string[] } } }
  ).status.userInfo;
  assert.equal(username, `system:bootstrap:${made.id}`);
  assert.ok(groups.includes("system:bootstrappers:kubeadm:default-node-token"));
  assert.deepEqual(
    (await kubernetes.listBootstrapTokens()).map(({ id, description }) => [id, description]),
    [[made.id, "turn of work0"]],
  );
  assert.equal(await kubernetes.deleteBootstrapToken(made.id), "deleted");
  assert.equal(await kubernetes.deleteBootstrapToken(made.id), "absent");
  for (let attempt = 0; ask().status === 0 && attempt < 20; attempt++) await pause(500);
  assert.notEqual(ask().status, 0);
});

const WIDGETS: readonly Manifest[] = [
  manifest("example.com/v1", "Widget", { name: "one", namespace: "shop" }, { spec: { size: 3 } }),
  manifest("v1", "ConfigMap", { name: "prices", namespace: "shop" }, { data: { widget: "5" } }),
  manifest("v1", "Namespace", { name: "shop" }),
  manifest(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    { name: "widgets.example.com" },
    {
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { plural: "widgets", singular: "widget", kind: "Widget" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: "object",
                properties: { spec: { type: "object", properties: { size: { type: "integer" } } } },
              },
            },
          },
        ],
      },
    },
  ),
];

function manifest(
  apiVersion: string,
  kind: string,
  metadata: Manifest["metadata"],
  rest: object = {},
): Manifest {
  return { apiVersion, kind, metadata, ...rest };
}

test("manifests are applied in an order that works, a kind and its first object at once; again changes nothing", {
  skip,
}, async () => {
  for (const round of [1, 2]) {
    const applied = await kubernetes.apply(WIDGETS);
    assert.deepEqual(
      applied.filter(({ outcome }) => outcome !== "applied"),
      [],
      `round ${round}`,
    );
  }
  const widget = (await kubernetes.get("/apis/example.com/v1/namespaces/shop/widgets/one")) as {
    metadata: { generation: number };
  };
  assert.equal(widget.metadata.generation, 1);
  const [refused, taken] = await kubernetes.apply([
    manifest("example.com/v1", "Widget", { name: "two", namespace: "shop" }, { spec: { size: "big" } }),
    manifest("v1", "ConfigMap", { name: "more", namespace: "shop" }),
  ]);
  assert.equal(refused?.outcome, "refused");
  assert.match(refused.reason ?? "", /size/);
  assert.equal(taken?.outcome, "applied");
});

test("eviction asks Kubernetes itself: pods go, and what a disruption budget guards stays", {
  skip,
}, async () => {
  const pod = (name: string): Manifest =>
    manifest(
      "v1",
      "Pod",
      { name, namespace: "default", ...{ labels: { app: name } } },
      {
        spec: {
          nodeName: "work0",
          automountServiceAccountToken: false,
          containers: [{ name: "c", image: "pause" }],
        },
      },
    );
  const budget = manifest(
    "policy/v1",
    "PodDisruptionBudget",
    { name: "guard", namespace: "default" },
    {
      spec: { minAvailable: 1, selector: { matchLabels: { app: "guarded" } } },
    },
  );
  const applied = await kubernetes.apply([budget, pod("free"), pod("guarded")]);
  assert.deepEqual(
    applied.filter(({ outcome }) => outcome !== "applied"),
    [],
  );
  // A pod that does not run yet is guarded by nothing.
  const runs = { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } };
  for (const name of ["free", "guarded"])
    await kubectl("patch", "pod", name, "--subresource", "status", "-p", JSON.stringify(runs));
  const eviction = await kubernetes.evictPods("work0");
  assert.deepEqual(eviction.evicted, ["default/free"]);
  assert.deepEqual(
    eviction.blocked.map(({ pod: name }) => name),
    ["default/guarded"],
  );
});

test("S2-29 a kubelet's request for a serving certificate is approved by the appliance", {
  skip,
}, async () => {
  const csr = execFileSync(
    "openssl",
    [
      ...[
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        file("k"),
      ],
      ...[
        "-subj",
        "/O=system:nodes/CN=system:node:work0",
        "-addext",
        "subjectAltName=DNS:work0,IP:10.20.0.20",
      ],
    ],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );
  await writeFile(
    file("csr.json"),
    JSON.stringify(
      manifest(
        "certificates.k8s.io/v1",
        "CertificateSigningRequest",
        { name: "serving-work0" },
        {
          spec: {
            request: Buffer.from(csr).toString("base64"),
            signerName: "kubernetes.io/kubelet-serving",
            usages: ["digital signature", "server auth"],
          },
        },
      ),
    ),
  );
  await kubectl(
    "create",
    "-f",
    file("csr.json"),
    "--as",
    "system:node:work0",
    "--as-group",
    "system:nodes",
    "--as-group",
    "system:authenticated",
  );
  const events = new KeptEvents();
  await new ServingCertificates({ access, read: readRequestedNames, events, log: new KeptLog() }).settle(
    cluster,
  );
  assert.deepEqual(events.types, ["serving-certificate-approved"]);
  assert.match(
    await kubectl("get", "csr", "serving-work0", "-o", "jsonpath={.status.conditions[*].type}"),
    /^Approved$/,
  );
});

test("S2-30 S4-13 the look at this cluster finds its API server and its etcd, and misses its nodes", {
  skip,
}, async () => {
  const { clusterId } = await (await access.etcd(cluster)).memberList();
  const status = await lookAtCluster(access, {
    cluster,
    recorded: { phase: "initialised", etcdClusterId: clusterId },
  });
  assert.deepEqual(status.problems, ["kube0 has not joined", "work0 has not joined"]);
  assert.equal(status.etcd.members[0]?.state, "healthy");
  assert.equal(status.endpoint?.health.kind, "ready");
});
