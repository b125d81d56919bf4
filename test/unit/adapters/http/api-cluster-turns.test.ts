import assert from "node:assert/strict";
import { test } from "node:test";
import request from "supertest";
import { fakeControl } from "../../../support/control-services.ts";

const DOCUMENTS = [
  {
    apiVersion: "muster/v1",
    kind: "Cluster",
    metadata: { name: "lab" },
    spec: { pki: { keyAlgorithm: "ECDSA-P256" } },
  },
  {
    apiVersion: "muster/v1",
    kind: "Machine",
    metadata: { name: "kube0" },
    spec: { mac: "52:54:00:12:34:00", cluster: "lab", roles: ["control-plane"], address: "10.20.0.10" },
  },
];

async function lab(role: "admin" | "operator" | "viewer") {
  const control = await fakeControl();
  const app = control.app();
  const admin = { Authorization: `Bearer ${await control.token("admin")}` };
  await request(app).post("/api/v1/apply").set(admin).send({ documents: DOCUMENTS }).expect(200);
  const auth = { Authorization: `Bearer ${await control.token(role)}` };
  return { control, app, auth };
}

test("DESIGN-5.6 whoever may read machines sees who holds which turn", async () => {
  const { app, auth } = await lab("viewer");
  const response = await request(app).get("/api/v1/clusters/lab/turn").set(auth).expect(200);
  const { phase, machines } = response.body as {
    phase: string;
    machines: readonly { machine: string; turn: string }[];
  };
  assert.equal(phase, "none");
  assert.deepEqual(
    machines.map(({ machine, turn }) => `${machine} ${turn}`),
    ["kube0 none"],
  );
  await request(app).get("/api/v1/clusters/prod/turn").set(auth).expect(404);
});

test("DESIGN-5.6 the init turn is given away, and a cluster thawed, by admins only; refusals say why and are on record", async () => {
  const operator = await lab("operator");
  const give = { to: "kube1", confirmGone: "kube0" };
  await request(operator.app)
    .post("/api/v1/clusters/lab/give-init")
    .set(operator.auth)
    .send(give)
    .expect(403);
  await request(operator.app).post("/api/v1/clusters/lab/unfreeze").set(operator.auth).send({}).expect(403);
  const { app, auth, control } = await lab("admin");
  const refused = await request(app).post("/api/v1/clusters/lab/give-init").set(auth).send(give).expect(409);
  assert.equal((refused.body as { code: string }).code, "refused");
  await request(app).post("/api/v1/clusters/lab/give-init").set(auth).send({ to: "kube1" }).expect(422);
  await request(app)
    .post("/api/v1/clusters/lab/unfreeze")
    .set(auth)
    .send({ etcdClusterId: "not hex" })
    .expect(422);
  await request(app)
    .post("/api/v1/clusters/lab/unfreeze")
    .set(auth)
    .send({ etcdClusterId: "aa01" })
    .expect(200);
  const audit = (await control.events.list({ limit: 50 })).map(({ type }) => type);
  assert.ok(audit.includes("api.giveInitTurn") && audit.includes("api.unfreezeCluster"));
});
