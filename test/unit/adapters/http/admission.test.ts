import assert from "node:assert/strict";
import { test } from "node:test";
import request from "supertest";
import { apiRoutes } from "../../../../src/adapters/http/api-routes.ts";
import { FailureLimit } from "../../../../src/adapters/http/failure-limit.ts";
import { PERMISSIONS, TOKEN_ROLES } from "../../../../src/services/permissions.ts";
import { fakeControl } from "../../../support/control-services.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

/** What each role may call, written out by hand: the table in permissions.ts is checked against it. */
const VIEWER_MAY = [
  "listMachines",
  "getMachine",
  "diagnoseMachine",
  "listEvents",
  "listMachineEvents",
  "listMachineLogs",
  "listLeases",
  "listUnknown",
  "getStatus",
  "listAssets",
  "listAddons",
  "listClusters",
  "getCluster",
  "listProfiles",
  "getProfile",
  "clusterStatus",
  "clusterPki",
  "clusterTurns",
  "clusterAddons",
];
const OPERATOR_MAY = [
  ...VIEWER_MAY,
  "registerMachine",
  "updateMachine",
  "retireMachine",
  "deleteMachine",
  "approveMachine",
  "retryMachine",
  "reimageMachine",
  "bootMachine",
  "confirmMachine",
  "renderDocument",
  "pullAssets",
  "verifyAssets",
  "applyResources",
  "deleteResource",
];
const ADMIN_MAY = [
  ...OPERATOR_MAY,
  "listTokens",
  "createToken",
  "revokeToken",
  "getConfig",
  "getBackup",
  "makeKubeconfig",
  "rotateClusterPki",
  "backupCluster",
  "giveInitTurn",
  "unfreezeCluster",
];
const MATRIX = { viewer: VIEWER_MAY, operator: OPERATOR_MAY, admin: ADMIN_MAY } as const;
const OPEN_TO_ALL = ["getOpenApi"];

for (const role of TOKEN_ROLES) {
  test(`a token with the role ${role} gets what the matrix says, and 403 for the rest`, async () => {
    const control = await fakeControl();
    const app = control.app();
    const token = await control.token(role);
    for (const route of apiRoutes(control.services)) {
      const path = `/api/v1${route.path.replaceAll(/\{\w+\}/g, "nothing")}`;
      const answer = await request(app)[route.method](path).set("Authorization", `Bearer ${token}`);
      const allowed = MATRIX[role].includes(route.id) || OPEN_TO_ALL.includes(route.id);
      assert.equal(answer.status === 403, !allowed, `${role} ${route.id}: ${answer.status}`);
      if (!allowed) assert.equal((answer.body as { code: string }).code, "forbidden");
    }
  });
}

test("every route that is not for anyone answers 401 without a token and with a wrong one", async () => {
  const control = await fakeControl();
  const app = control.app({
    trust: {
      kind: "tokens",
      tokens: control.tokens,
      failures: new FailureLimit({ clock: control.clock, limit: 10_000 }),
    },
  });
  for (const route of apiRoutes(control.services)) {
    if (route.permission === "anyone") continue;
    const path = `/api/v1${route.path.replaceAll(/\{\w+\}/g, "nothing")}`;
    const none = await request(app)[route.method](path);
    assert.equal(none.status, 401, route.id);
    assert.equal(none.headers["www-authenticate"], 'Bearer realm="muster"');
    const wrong = await request(app)[route.method](path).set("Authorization", "Bearer muster_0000");
    assert.equal(wrong.status, 401, route.id);
  }
});

test("each role holds everything that the role below it holds", () => {
  for (const permission of PERMISSIONS.viewer) assert.ok(PERMISSIONS.operator.has(permission), permission);
  for (const permission of PERMISSIONS.operator) assert.ok(PERMISSIONS.admin.has(permission), permission);
});

test("whoever can open the unix socket is admin, and is named so in the audit trail", async () => {
  const control = await fakeControl();
  const app = control.app({ trust: { kind: "local" } });
  await request(app).post("/api/v1/tokens").send({ name: "alice", role: "viewer" }).expect(201);
  const [event] = await control.events.list({ limit: 1 });
  assert.equal(event?.source, "api:local");
});

test("a revoked and an expired token open nothing", async () => {
  const control = await fakeControl();
  const app = control.app();
  const { token, secret } = await control.tokens.create({
    name: "soon",
    role: "viewer",
    expiresAt: control.clock.now() + 1000,
  });
  const bearer = { Authorization: `Bearer ${secret}` };
  await request(app).get("/api/v1/machines").set(bearer).expect(200);
  control.clock.advance(1000);
  const expired = await request(app).get("/api/v1/machines").set(bearer).expect(401);
  assert.match((expired.body as { detail: string }).detail, /expired/);
  await control.tokens.revoke(token.id);
  const revoked = await request(app).get("/api/v1/machines").set(bearer).expect(401);
  assert.match((revoked.body as { detail: string }).detail, /revoked/);
});

test("many wrong tokens from an address are slowed down; the right one still opens", async () => {
  const control = await fakeControl();
  const app = control.app();
  const right = await control.token("viewer");
  for (let count = 0; count < 5; count++) {
    await request(app).get("/api/v1/machines").set("Authorization", "Bearer wrong").expect(401);
  }
  const slowed = await request(app).get("/api/v1/machines").set("Authorization", "Bearer wrong").expect(429);
  assert.equal((slowed.body as { code: string }).code, "too-many-requests");
  assert.equal(slowed.headers["retry-after"], "60");
  await request(app).get("/api/v1/machines").set("Authorization", `Bearer ${right}`).expect(200);
  control.clock.advance(60_000);
  await request(app).get("/api/v1/machines").set("Authorization", "Bearer wrong").expect(401);
});

test("failures are counted for each address, in bounded memory", () => {
  const clock = new FakeClock();
  const limit = new FailureLimit({ clock, limit: 1, maxAddresses: 2 });
  assert.equal(limit.failed("10.0.0.1"), undefined);
  assert.equal(limit.blocked("10.0.0.1"), 60);
  assert.equal(limit.failed("10.0.0.1"), 60);
  assert.equal(limit.failed("10.0.0.2"), undefined);
  clock.advance(59_500);
  assert.equal(limit.failed("10.0.0.1"), 1);
  assert.equal(limit.failed("10.0.0.3"), undefined);
  assert.equal(limit.blocked("10.0.0.1"), undefined, "the oldest address made room");
});

test("a token is made, listed without its secret, used, and revoked", async () => {
  const control = await fakeControl();
  const app = control.app();
  const admin = { Authorization: `Bearer ${await control.token("admin")}` };
  const made = await request(app)
    .post("/api/v1/tokens")
    .set(admin)
    .send({ name: "alice", role: "operator", expiresInSeconds: 60 })
    .expect(201);
  const { id, token, expiresAt } = made.body as { id: string; token: string; expiresAt: number };
  assert.equal(expiresAt, control.clock.now() + 60_000);
  await request(app).get("/api/v1/machines").set("Authorization", `Bearer ${token}`).expect(200);
  const listed = await request(app).get("/api/v1/tokens").set(admin).expect(200);
  assert.doesNotMatch(JSON.stringify(listed.body), new RegExp(`${token.slice(-20)}|hash`));
  await request(app).post("/api/v1/tokens").set(admin).send({ name: "alice", role: "viewer" }).expect(409);
  await request(app).post("/api/v1/tokens").set(admin).send({ name: "bob", role: "root" }).expect(422);
  await request(app).delete(`/api/v1/tokens/${id}`).set(admin).expect(204);
  await request(app).get("/api/v1/machines").set("Authorization", `Bearer ${token}`).expect(401);
  await request(app).delete("/api/v1/tokens/nothing").set(admin).expect(404);
});

test("no token reaches the log, the events or the store", async () => {
  const control = await fakeControl();
  const app = control.app();
  const admin = await control.token("admin");
  const made = await request(app)
    .post("/api/v1/tokens")
    .set("Authorization", `Bearer ${admin}`)
    .send({ name: "alice", role: "viewer" })
    .expect(201);
  const { token } = made.body as { token: string };
  await request(app).get("/api/v1/machines").set("Authorization", `Bearer ${token}x`).expect(401);
  const kept = JSON.stringify([
    control.log.lines,
    await control.events.list({ limit: 100 }),
    await control.store.tokens.all(),
  ]);
  for (const secret of [admin, token]) assert.equal(kept.includes(secret.slice(-30)), false);
});
