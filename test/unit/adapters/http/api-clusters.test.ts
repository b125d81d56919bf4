import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import request from "supertest";
import { parse } from "yaml";
import { fakeControl } from "../../../support/control-services.ts";
import { FakeCluster } from "../../../support/fake-cluster.ts";

const DOCUMENTS = [
  {
    apiVersion: "muster/v1",
    kind: "Cluster",
    metadata: { name: "lab" },
    spec: { endpoint: { address: "10.20.0.9" }, pki: { keyAlgorithm: "ECDSA-P256" } },
  },
  ...[0, 1, 2].map((index) => ({
    apiVersion: "muster/v1",
    kind: "Machine",
    metadata: { name: `kube${index}` },
    spec: {
      mac: `52:54:00:12:34:0${index}`,
      cluster: "lab",
      roles: ["control-plane"],
      address: `10.20.0.1${index}`,
    },
  })),
];

async function lab(role: "admin" | "operator" | "viewer" = "admin") {
  const control = await fakeControl();
  const app = control.app();
  const admin = { Authorization: `Bearer ${await control.token("admin")}` };
  await request(app).post("/api/v1/apply").set(admin).send({ documents: DOCUMENTS }).expect(200);
  const cluster = control.services.resources.clusters.get("lab")!;
  Object.assign(control.fakeCluster, FakeCluster.complete(cluster));
  const auth = role === "admin" ? admin : { Authorization: `Bearer ${await control.token(role)}` };
  return { control, app, auth };
}

test("S0-10 the status of a cluster is looked up now, for whoever may read the appliance's own", async () => {
  const { app, auth, control } = await lab("viewer");
  const healthy = await request(app).get("/api/v1/clusters/lab/status").set(auth).expect(200);
  const body = healthy.body as { healthy: boolean; nodes: unknown[]; redundancy: { component: string }[] };
  assert.equal(body.healthy, true);
  assert.equal(body.nodes.length, 3);
  assert.equal(body.redundancy[0]?.component, "etcd");
  control.fakeCluster.node("kube1", { ready: false, reason: "PLEG is not healthy" });
  control.clock.advance(5000);
  const broken = await request(app).get("/api/v1/clusters/lab/status").set(auth).expect(200);
  assert.deepEqual((broken.body as { problems: string[] }).problems, [
    "node kube1 is not ready: PLEG is not healthy",
  ]);
});

test("a cluster that was not applied is not found, and those that were are named", async () => {
  const { app, auth } = await lab();
  const answer = await request(app).get("/api/v1/clusters/prod/status").set(auth).expect(404);
  assert.equal((answer.body as { hint: string }).hint, "there is lab");
});

test("S1-10 a kubeconfig is signed for admins only, and who asked for whom is on record", async () => {
  const { app, auth, control } = await lab();
  const answer = await request(app)
    .post("/api/v1/clusters/lab/kubeconfig")
    .set(auth)
    .send({ user: "jane", groups: ["team-a"], lifetimeSeconds: 28_800 })
    .expect(201);
  const { text, expiresAt } = answer.body as { text: string; expiresAt: number };
  assert.equal(expiresAt, control.clock.now() + 28_800_000);
  const config = parse(text) as {
    clusters: [{ cluster: { server: string } }];
    users: [{ name: string; user: Record<string, string> }];
  };
  assert.equal(config.clusters[0].cluster.server, "https://10.20.0.9:8443");
  const pem = Buffer.from(config.users[0].user["client-certificate-data"] ?? "", "base64");
  assert.equal(new X509Certificate(pem).subject, "O=team-a\nCN=jane");
  const made = (await control.events.list({ limit: 50 })).find(({ type }) => type === "kubeconfig-made");
  assert.match(made?.message ?? "", /signed a kubeconfig of cluster lab for jane until/);
  assert.match(made?.source ?? "", /^api:admin/);
  const operator = { Authorization: `Bearer ${await control.token("operator")}` };
  await request(app).post("/api/v1/clusters/lab/kubeconfig").set(operator).send({}).expect(403);
});

test("a name that X.509 cannot carry is refused before anything is signed", async () => {
  const { app, auth } = await lab();
  for (const body of [{ user: "x".repeat(65) }, { lifetimeSeconds: 1 }, { usr: "jane" }])
    await request(app).post("/api/v1/clusters/lab/kubeconfig").set(auth).send(body).expect(422);
});

test("S4-10 authorities are shown to readers and rotated by admins, one step after the other", async () => {
  const { app, auth, control } = await lab();
  const viewer = { Authorization: `Bearer ${await control.token("viewer")}` };
  const shown = await request(app).get("/api/v1/clusters/lab/pki").set(viewer).expect(200);
  assert.doesNotMatch(JSON.stringify(shown.body), /PRIVATE/);
  const rotate = (step: string, who = auth) =>
    request(app).post("/api/v1/clusters/lab/pki/rotate").set(who).send({ step });
  await rotate("trust", viewer).expect(403);
  await rotate("sign").expect(409);
  const trusting = await rotate("trust").expect(200);
  assert.equal((trusting.body as { authorities: unknown[] }).authorities.length, 6);
  await rotate("abort").expect(200);
});

test("S2-31 a snapshot of a cluster whose etcd is silent is an error that says so", async () => {
  const { app, auth, control } = await lab();
  control.fakeCluster.members = [];
  const answer = await request(app).get("/api/v1/clusters/lab/backup").set(auth).expect(503);
  assert.match((answer.body as { detail: string }).detail, /no etcd member of cluster lab/);
});

test("the catalogue of add-ons and how they stand in a cluster can be read", async () => {
  const { app, auth } = await lab("viewer");
  const listed = await request(app).get("/api/v1/addons").set(auth).expect(200);
  const entry = (listed.body as { items: { name: string }[] }).items.find(
    ({ name }) => name === "metrics-server",
  );
  assert.deepEqual(entry, {
    name: "metrics-server",
    kind: "addon",
    version: "0.9.0",
    summary: "Resource metrics for kubectl top and autoscaling",
    kubernetes: { from: "1.34", to: "1.37" },
    images: ["registry.k8s.io/metrics-server/metrics-server:v0.9.0"],
    sources: ["github/kubernetes-sigs/metrics-server/releases/download/v0.9.0/components.yaml"],
  });
  const answer = await request(app).get("/api/v1/clusters/lab/addons").set(auth).expect(200);
  assert.deepEqual(answer.body, { items: [{ name: "flannel", version: "0.28.9", state: "ready" }] });
});
