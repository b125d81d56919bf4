import assert from "node:assert/strict";
import { test } from "node:test";
import request from "supertest";
import { isReady } from "../../../../src/adapters/http/appliance-status.ts";
import { routeFamily } from "../../../../src/adapters/telemetry/route-family.ts";
import { fakeControl } from "../../../support/control-services.ts";

test("healthz answers anybody, with the time in its Date header", async () => {
  const control = await fakeControl();
  const answer = await request(control.app()).get("/healthz").expect(200, "ok\n");
  assert.ok(Math.abs(Date.parse(answer.headers.date ?? "") - Date.now()) < 5000);
  await request(control.app()).head("/healthz").expect(200);
});

test("readyz is green while parts are degraded, and red when a check failed, with the reason", async () => {
  const control = await fakeControl();
  const app = control.app();
  control.status = {
    ...control.status,
    listeners: [{ name: "dhcp", state: "degraded", problem: "No right to open UDP port 67" }],
    checks: [{ name: "assets", state: "degraded", reason: "debian-13 is not there yet" }],
  };
  const degraded = await request(app).get("/readyz").expect(200);
  assert.match(JSON.stringify(degraded.body), /No right to open UDP port 67.*|debian-13 is not there yet/);
  control.status = {
    ...control.status,
    checks: [{ name: "store", state: "failed", reason: "the disk is full" }],
  };
  const red = await request(app).get("/readyz").expect(503);
  assert.deepEqual((red.body as { checks: unknown }).checks, [
    { name: "store", state: "failed", reason: "the disk is full" },
  ]);
  assert.equal(isReady(control.status), false);
});

test("status counts machines by state and says what is listening", async () => {
  const control = await fakeControl();
  const answer = await request(control.app({ trust: { kind: "local" } }))
    .get("/api/v1/status")
    .expect(200);
  const body = answer.body as { ready: boolean; machines: Record<string, number>; listeners: unknown[] };
  assert.equal(body.ready, true);
  assert.equal(body.machines.installed, 0);
  assert.equal(body.listeners.length, 1);
});

test("metrics need a token, and count packets by reason, machines by state and requests by route", async () => {
  const control = await fakeControl();
  const app = control.app();
  await request(app).get("/metrics").expect(401);
  const token = await control.token("viewer");
  const answer = await request(app).get("/metrics").set("Authorization", `Bearer ${token}`).expect(200);
  assert.match(answer.headers["content-type"] ?? "", /text\/plain; version=0\.0\.4/);
  for (const line of [
    /^muster_dhcp_packets_total\{outcome="ignored",reason="unknown-machine"\} 2$/m,
    /^muster_machines\{state="installing"\} 0$/m,
    /^muster_listener_up\{listener="https"\} 1$/m,
    /^muster_build_info\{version="0\.1\.0"\} 1$/m,
    /^nodejs_eventloop_lag_p99_seconds /m,
    /^process_resident_memory_bytes /m,
  ]) {
    assert.match(answer.text, line);
  }
  const again = await request(app).get("/metrics").set("Authorization", `Bearer ${token}`).expect(200);
  assert.match(
    again.text,
    /^muster_dhcp_packets_total\{outcome="sent",reason="OFFER"\} 3$/m,
    "read, not added up",
  );
});

test("transfers and requests are counted, and no made-up path becomes a label", async () => {
  const control = await fakeControl();
  const { metrics } = control;
  metrics.tftpTransfer({ outcome: "complete", bytes: 1000, packets: 3, retransmissions: 1 });
  const app = metrics.observed("control", control.app());
  await request(app).get("/healthz").expect(200);
  await request(app).get("/api/v1/machines").expect(401);
  const { text } = await metrics.expose();
  assert.match(text, /^muster_tftp_transfers_total\{outcome="complete"\} 1$/m);
  assert.match(text, /^muster_tftp_sent_bytes_total 1000$/m);
  assert.match(text, /^muster_http_requests_total\{plane="control",route="api",status="401"\} 1$/m);
  assert.match(text, /^muster_http_open_requests\{plane="control"\} 0$/m);
  for (const [url, family] of [
    ["/boot/files/linux", "boot-file"],
    ["/install/mti_secret/preseed.cfg", "install"],
    ["/machines/kube0", "web"],
    ["/%00", "web"],
  ] as const) {
    assert.equal(routeFamily(url), family);
  }
});

test("the configuration is shown to admins only, and a backup is a file whose taking is on record", async () => {
  const control = await fakeControl();
  const app = control.app();
  const admin = { Authorization: `Bearer ${await control.token("admin")}` };
  const config = await request(app).get("/api/v1/config").set(admin).expect(200);
  assert.deepEqual(config.body, { dataDir: "data", mirrors: { debian: { password: "(hidden)" } } });
  const backup = await request(app).get("/api/v1/backup").set(admin).buffer(true).expect(200);
  assert.match(backup.headers["content-disposition"] ?? "", /muster\.backup/);
  assert.equal((backup.body as Buffer).toString(), "whole state");
  const [event] = await control.events.list({ limit: 1 });
  assert.equal(event?.message, "GET /api/v1/backup: done");
});

test("assets are pulled in the background, or waited for", async () => {
  const control = await fakeControl();
  const app = control.app({ trust: { kind: "local" } });
  const begun = await request(app).post("/api/v1/assets/pull").send({ os: "debian-13" }).expect(202);
  assert.deepEqual((begun.body as { status: unknown }).status, {
    kind: "pulling",
    progress: 0.5,
    what: "linux",
  });
  await request(app).post("/api/v1/assets/pull").send({ os: "debian-13", wait: true }).expect(200);
  assert.deepEqual(
    control.assets.asked,
    Array.from({ length: 2 }, () => ({ os: "debian-13", architecture: "amd64", firmwarePackages: [] })),
  );
  await request(app).post("/api/v1/assets/pull").send({ os: "debian-9" }).expect(422);
  await request(app).post("/api/v1/assets/verify").expect(200, { items: [] });
});

test("a document is shown as it would be served, and an unknown one names those that are known", async () => {
  const control = await fakeControl();
  const app = control.app({ trust: { kind: "local" } });
  await request(app).post("/api/v1/machines").send({ mac: "52:54:00:12:34:01", name: "kube0" }).expect(201);
  const shown = await request(app).get("/api/v1/machines/kube0/render/preseed.cfg").expect(200);
  assert.equal(shown.text, "d-i netcfg/get_hostname string kube0\n");
  const lost = await request(app).get("/api/v1/machines/kube0/render/passwd").expect(404);
  assert.match((lost.body as { hint: string }).hint, /preseed\.cfg/);
});

test("an unexpected failure is logged under its request id and tells the caller nothing else", async () => {
  const control = await fakeControl();
  const services = { ...control.services, diagnose: () => Promise.reject(new Error("secret detail")) };
  const { createControlApp } = await import("../../../../src/adapters/http/control-app.ts");
  const app = createControlApp({
    services,
    trust: { kind: "local" },
    version: "0",
    metrics: control.metrics,
    stopping: control.stopping.signal,
  });
  await request(app).post("/api/v1/machines").send({ mac: "52:54:00:12:34:01", name: "kube0" }).expect(201);
  const answer = await request(app)
    .get("/api/v1/machines/kube0/diagnose")
    .set("X-Request-Id", "abc-1")
    .expect(500);
  assert.equal((answer.body as { code: string }).code, "internal");
  assert.equal((answer.body as { requestId: string }).requestId, "abc-1");
  assert.doesNotMatch(JSON.stringify(answer.body), /secret detail/);
  const line = control.log.lines.find(({ level }) => level === "error");
  assert.equal((line?.fields as { requestId?: string }).requestId, "abc-1");
  const hostile = await request(app).get("/healthz").set("X-Request-Id", "a b\tc");
  assert.match(hostile.headers["x-request-id"] ?? "", /^[0-9a-f-]{36}$/);
});
