import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { systemClock } from "../../../../src/adapters/host/system-clock.ts";
import { clusterAccess } from "../../../../src/adapters/kubernetes/cluster-access.ts";
import type { ClusterView } from "../../../../src/domain/cluster/members.ts";
import type { ClusterPki } from "../../../../src/services/cluster/cluster-pki.ts";
import type { KubernetesAccess } from "../../../../src/services/cluster/ports.ts";
import { aClusterPki } from "../../../support/cluster-pki.ts";
import { aCluster, aMember } from "../../../support/clusters.ts";
import { FakeKubernetes } from "../../../support/fake-kubernetes.ts";

/** Loopback addresses of this file's own, so that files running beside it do not meet it. */
const FIRST = "127.41.0.1";
const SECOND = "127.41.0.2";
let directory: string;
let pki: ClusterPki;
const serving: FakeKubernetes[] = [];
let first: FakeKubernetes;
let second: FakeKubernetes;
let cluster: ClusterView;
let kubernetes: KubernetesAccess;

function viewAt(apiPort: number): ClusterView {
  const controlPlane = (name: string, host: number, address: string) =>
    aMember(name, { roles: ["control-plane"], host, address });
  return aCluster({
    spec: { pki: { keyAlgorithm: "ECDSA-P256" }, apiPort, endpoint: { address: SECOND, port: apiPort } },
    members: [controlPlane("kube0", 10, FIRST), controlPlane("kube1", 11, SECOND)],
  });
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-api-"));
  ({ pki } = await aClusterPki({ directory, clock: systemClock }));
});

beforeEach(async () => {
  for (const server of serving.splice(0)) await server.stop();
  first = await FakeKubernetes.serve({ pki, cluster: viewAt(6443), address: FIRST });
  cluster = viewAt(first.port);
  second = await FakeKubernetes.serve({ pki, cluster, address: SECOND, port: first.port });
  serving.push(first, second);
  kubernetes = await clusterAccess({ pki, clock: systemClock }).kubernetes(cluster);
});

after(async () => {
  await first.stop();
  await second.stop();
  await rm(directory, { recursive: true });
});

test("nodes are read with their readiness, addresses and pod networks, as the appliance's own user", async () => {
  second.node("kube0", true, {});
  second.node("work0", false);
  const [kube0, work0] = await kubernetes.nodes();
  assert.deepEqual(kube0, {
    name: "kube0",
    uid: "uid-kube0",
    ready: true,
    reason: "kubelet is posting ready status",
    since: Date.parse("2026-11-21T10:00:00Z"),
    unschedulable: false,
    controlPlane: false,
    addresses: ["10.20.0.10"],
    podCIDRs: ["10.244.0.0/24"],
    kubeletVersion: "v1.36.3",
    labels: { "kubernetes.io/hostname": "kube0" },
  });
  assert.equal(work0?.ready, false);
  assert.equal(work0.reason, "cni plugin not initialized");
  assert.equal(second.seen[0]?.user, "muster-appliance/system:masters");
});

test("the endpoint is asked first; when it is gone every control plane is, and the one that answered stays first", async () => {
  first.node("kube0", true);
  await second.stop();
  assert.equal((await kubernetes.node("kube0"))?.ready, true);
  assert.equal(await kubernetes.node("nobody"), undefined);
  assert.equal(first.seen.length, 2);
});

test("a server that answers 503 is passed over, and one that refuses is believed", async () => {
  first.node("kube0", true);
  second.once.set("GET /api/v1/nodes/kube0", { status: 503, body: { message: "no etcd" } });
  assert.equal((await kubernetes.node("kube0"))?.name, "kube0");
  first.once.set("GET /api/v1/nodes/kube0", {
    status: 403,
    body: { reason: "Forbidden", message: "not allowed" },
  });
  await assert.rejects(kubernetes.node("kube0"), {
    name: "ClusterRefusedError",
    status: 403,
    reason: "Forbidden",
  });
});

test("a 500 that every server gives is an answer, not silence", async () => {
  const body = { kind: "Status", reason: "", message: ".spec.size: expected numeric, got string" };
  for (const server of [first, second])
    server.once.set("PATCH /api/v1/namespaces/shop/configmaps/two", { status: 500, body });
  const applied = await kubernetes.apply([
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "two", namespace: "shop" } },
  ]);
  assert.deepEqual(applied, [
    { object: "ConfigMap shop/two", outcome: "refused", reason: ".spec.size: expected numeric, got string" },
  ]);
});

test("when nobody answers the error names every address and why", async () => {
  await first.stop();
  await second.stop();
  await assert.rejects(kubernetes.nodes(), (error: Error) => {
    assert.equal(error.name, "ClusterUnreachableError");
    assert.match(error.message, new RegExp(`${SECOND}:\\d+ refuses the connection; ${FIRST}:\\d+ refuses`));
    return true;
  });
});

test("a bootstrap token is what kubeadm looks for, ends by itself, is listed and deleted", async () => {
  const made = await kubernetes.createBootstrapToken({ lifetimeMs: 600_000, description: "turn of work0" });
  assert.match(made.token, /^[a-z0-9]{6}\.[a-z0-9]{16}$/);
  const secret = second.objects.get(`/api/v1/namespaces/kube-system/secrets/bootstrap-token-${made.id}`);
  const { stringData, type } = secret as { stringData: Record<string, string>; type: string };
  assert.equal(type, "bootstrap.kubernetes.io/token");
  assert.equal(`${stringData["token-id"]}.${stringData["token-secret"]}`, made.token);
  assert.equal(stringData["auth-extra-groups"], "system:bootstrappers:kubeadm:default-node-token");
  assert.match(stringData.expiration ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepEqual(await kubernetes.listBootstrapTokens(), [
    { id: made.id, description: "turn of work0", expiresAt: Math.floor(made.expiresAt / 1000) * 1000 },
  ]);
  assert.equal(await kubernetes.deleteBootstrapToken(made.id), "deleted");
  assert.equal(await kubernetes.deleteBootstrapToken(made.id), "absent");
});

test("a node is closed, opened and deleted; one that is not there is no error", async () => {
  second.node("work0", true);
  assert.equal(await kubernetes.setSchedulable("work0", false), "done");
  assert.equal((await kubernetes.node("work0"))?.unschedulable, true);
  assert.equal(await kubernetes.removeLabels("work0", ["example.com/none"]), "done");
  assert.equal(await kubernetes.deleteNode("work0"), "deleted");
  assert.equal(await kubernetes.deleteNode("work0"), "absent");
  assert.equal(await kubernetes.setSchedulable("work0", true), "absent");
});

test("eviction leaves DaemonSet, static and finished pods, and says which a budget protects", async () => {
  const pod = (name: string, metadata: object = {}, phase = "Running"): void => {
    second.objects.set(`/api/v1/namespaces/web/pods/${name}`, {
      metadata: { name, namespace: "web", ...metadata },
      spec: { nodeName: "work0" },
      status: { phase },
    });
  };
  pod("app");
  pod("agent", { ownerReferences: [{ kind: "DaemonSet", controller: true }] });
  pod("static", { annotations: { "kubernetes.io/config.mirror": "x" } });
  pod("done", {}, "Succeeded");
  pod("guarded");
  pod("ending", { deletionTimestamp: "2026-11-21T10:00:00Z" });
  second.protectedPods.add("guarded");
  assert.deepEqual(await kubernetes.evictPods("work0"), {
    evicted: ["web/app"],
    left: ["web/agent", "web/static", "web/done"],
    blocked: [
      { pod: "web/guarded", reason: "Cannot evict pod as it would violate the pod's disruption budget." },
      { pod: "web/ending", reason: "is ending" },
    ],
  });
});

test("manifests are applied namespaces first, under the appliance's name, and a refusal does not stop the rest", async () => {
  const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one", namespace: "web" } };
  second.once.set("PATCH /apis/apps/v1/namespaces/web/deployments/app", {
    status: 422,
    body: { reason: "Invalid", message: "spec.replicas is no number" },
  });
  const applied = await kubernetes.apply([
    { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "app", namespace: "web" } },
    { apiVersion: "v1", kind: "List", metadata: { name: "" }, ...{ items: [config] } },
    { apiVersion: "made/v1", kind: "Up", metadata: { name: "x" } },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "web" } },
  ]);
  assert.deepEqual(applied, [
    { object: "Namespace web", outcome: "applied" },
    { object: "Deployment web/app", outcome: "refused", reason: "spec.replicas is no number" },
    { object: "ConfigMap web/one", outcome: "applied" },
    { object: "Up default/x", outcome: "refused", reason: "the cluster knows no made/v1" },
  ]);
  const patch = second.seen.find(({ path }) => path.includes("/configmaps/"));
  assert.match(patch?.path ?? "", /\?fieldManager=muster&force=true$/);
});

test("replicas of a deployment are counted; one that is not there is undefined", async () => {
  second.objects.set("/apis/apps/v1/namespaces/kube-system/deployments/coredns", {
    spec: { replicas: 2 },
    status: { readyReplicas: 1 },
  });
  assert.deepEqual(await kubernetes.deployment("kube-system", "coredns"), { wanted: 2, ready: 1 });
  assert.equal(await kubernetes.deployment("kube-system", "other"), undefined);
});

test("S2-29 a signing request is read and approved with its reason", async () => {
  const at = "/apis/certificates.k8s.io/v1/certificatesigningrequests/csr-1";
  second.objects.set(at, {
    metadata: { name: "csr-1" },
    spec: {
      request: Buffer.from("-----BEGIN CERTIFICATE REQUEST-----").toString("base64"),
      signerName: "kubernetes.io/kubelet-serving",
      username: "system:node:work0",
    },
  });
  const [request] = await kubernetes.signingRequests();
  assert.equal(request?.state, "pending");
  assert.equal(request.request, "-----BEGIN CERTIFICATE REQUEST-----");
  await kubernetes.approve(request, "fits the inventory");
  assert.equal((await kubernetes.signingRequests())[0]?.state, "approved");
});

test("S4-15 readyz tells ready from not ready, a stranger from nobody", async (t) => {
  const at = { address: FIRST, port: first.port };
  assert.deepEqual(await kubernetes.readyz(at), { kind: "ready" });
  first.failing = ["etcd", "informer-sync"];
  assert.deepEqual(await kubernetes.readyz(at), { kind: "not-ready", failing: ["etcd", "informer-sync"] });
  const stranger = await aClusterPki({ directory: join(directory, "stranger"), clock: systemClock });
  const other = await FakeKubernetes.serve({ pki: stranger.pki, cluster, address: "127.41.0.3" });
  t.after(() => other.stop());
  assert.deepEqual(await kubernetes.readyz({ address: "127.41.0.3", port: other.port }), {
    kind: "foreign",
    issuer: "CN=kubernetes",
  });
  const plain = createTcpServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await new Promise<void>((resolve) => plain.listen(0, "127.41.0.4", resolve));
  t.after(() => plain.close());
  const { port } = plain.address() as { port: number };
  assert.deepEqual(await kubernetes.readyz({ address: "127.41.0.4", port }), { kind: "foreign", issuer: "" });
  await first.stop();
  assert.deepEqual(await kubernetes.readyz(at), { kind: "unreachable", reason: "refuses the connection" });
});

test("a server of another cluster is never given a call", async () => {
  await second.stop();
  const stranger = await aClusterPki({ directory: join(directory, "stranger"), clock: systemClock });
  second = await FakeKubernetes.serve({ pki: stranger.pki, cluster, address: SECOND, port: first.port });
  first.node("kube0", true);
  assert.equal((await kubernetes.node("kube0"))?.name, "kube0");
  assert.deepEqual(second.seen, []);
});
