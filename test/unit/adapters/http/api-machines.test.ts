import assert from "node:assert/strict";
import { test } from "node:test";
import request from "supertest";
import { CLUSTER } from "../../../support/cluster-documents.ts";
import { fakeControl } from "../../../support/control-services.ts";

const KUBE0 = { mac: "52:54:00:12:34:01", name: "kube0", os: "debian-13" };

async function operator() {
  const control = await fakeControl();
  const token = await control.token("operator");
  const app = control.app();
  return { control, app, auth: { Authorization: `Bearer ${token}` } };
}

test("a machine is registered by its name and the fields of its spec, side by side", async () => {
  const { app, auth, control } = await operator();
  const made = await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(201);
  assert.equal(made.headers.location, "/api/v1/machines/kube0");
  assert.equal(made.headers.etag, '"1"');
  const body = made.body as Record<string, unknown>;
  assert.deepEqual(
    { name: body.name, mac: body.mac, state: body.state, progress: body.progress },
    { name: "kube0", mac: "52:54:00:12:34:01", state: "registered", progress: 0 },
  );
  assert.equal(control.registry.byMac("52:54:00:12:34:01")?.name, "kube0");
});

test("a body without a content type is read as JSON: curl -d needs no header", async () => {
  const { app, auth } = await operator();
  await request(app)
    .post("/api/v1/machines")
    .set(auth)
    .set("Content-Type", "application/x-www-form-urlencoded")
    .send(JSON.stringify(KUBE0))
    .expect(201);
});

test("an unknown key is refused with the one that was meant, and nothing changed", async () => {
  const { app, auth, control } = await operator();
  const answer = await request(app)
    .post("/api/v1/machines")
    .set(auth)
    .send({ ...KUBE0, install: { layuot: "lvm" }, adress: "10.0.0.5" })
    .expect(422)
    .expect("Content-Type", /application\/problem\+json/);
  const body = answer.body as { code: string; faults: { path: string; message: string }[] };
  assert.equal(body.code, "invalid");
  assert.deepEqual(body.faults.map((fault) => fault.path).sort(), ["adress", "install.layuot"]);
  assert.match(
    body.faults.map((fault) => fault.message).join(),
    /did you mean "layout"\?.*did you mean "address"\?/,
  );
  assert.deepEqual(control.registry.list(), []);
});

test("DESIGN-7 what documents may not say is refused of a machine registered or changed by itself, too", async () => {
  const { app, auth } = await operator();
  await request(app)
    .post("/api/v1/apply")
    .set(auth)
    .send({ files: [{ name: "rack.yaml", text: CLUSTER }] })
    .expect(200);
  const NEW = { mac: "52:54:00:12:34:77", name: "new" };
  const refused = async (fields: object, words: RegExp) => {
    const answer = await request(app)
      .post("/api/v1/machines")
      .set(auth)
      .send({ ...NEW, ...fields })
      .expect(422);
    assert.match((answer.body as { detail: string }).detail, words);
  };
  const member = { cluster: "lab", roles: ["worker"] };
  await refused({ address: "10.20.0.9" }, /10\.20\.0\.9 is the endpoint of cluster lab/);
  await refused(
    { ...member, cluster: "lap", address: "10.20.0.30" },
    /no cluster named lap; did you mean "lab"\?/,
  );
  await refused(member, /new needs an address of its own/);
  await refused({ ...member, address: "10.20.0.255" }, /the broadcast address/);
  await refused({ install: { layout: "raid1" } }, /raid1 takes two disks/);
  await request(app)
    .post("/api/v1/machines")
    .set(auth)
    .send({ ...NEW, ...member, address: "10.20.0.30" })
    .expect(201);
  await request(app).patch("/api/v1/machines/new").set(auth).send({ address: "10.20.0.9" }).expect(422);
  await request(app).patch("/api/v1/machines/new").set(auth).send({ timezone: "Europe/Berlin" }).expect(200);
});

test("a MAC or a name that belongs to another machine is a conflict", async () => {
  const { app, auth } = await operator();
  await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(201);
  const again = await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(409);
  assert.equal((again.body as { code: string }).code, "conflict");
  await request(app)
    .post("/api/v1/machines")
    .set(auth)
    .send({ ...KUBE0, name: "kube1" })
    .expect(409);
});

const MALFORMED: readonly (readonly [string, string, number, string])[] = [
  ["no JSON", "{mac:", 400, "bad-request"],
  ["a JSON string", '"kube0"', 400, "bad-request"],
  ["a list", "[]", 422, "invalid"],
  ["no MAC", '{"name":"kube0"}', 422, "invalid"],
  ["a bad MAC", '{"mac":"52:54"}', 422, "invalid"],
  ["a bad name", '{"mac":"52:54:00:12:34:01","name":"../etc"}', 422, "invalid"],
  ["a prototype", '{"mac":"52:54:00:12:34:01","__proto__":{"role":"admin"}}', 422, "invalid"],
  ["far too much", `{"mac":"${"5".repeat(300_000)}"}`, 413, "too-large"],
];

for (const [what, body, status, code] of MALFORMED) {
  test(`registering with ${what} is ${code}`, async () => {
    const { app, auth } = await operator();
    const answer = await request(app)
      .post("/api/v1/machines")
      .set(auth)
      .type("json")
      .send(body)
      .expect(status);
    assert.equal((answer.body as { code: string }).code, code);
    assert.equal((answer.body as { status: number }).status, status);
  });
}

test("machines are listed by name, in pages, and filtered", async () => {
  const { app, auth, control } = await operator();
  for (const index of [2, 0, 1]) {
    await request(app)
      .post("/api/v1/machines")
      .set(auth)
      .send({ mac: `52:54:00:12:34:0${index}`, name: `kube${index}` })
      .expect(201);
  }
  await control.registry.retire("kube1", "test");
  const names = async (query: string) => {
    const answer = await request(app).get(`/api/v1/machines?${query}`).set(auth).expect(200);
    const page = answer.body as { items: { name: string }[]; next?: string };
    return [page.items.map((item) => item.name), page.next];
  };
  assert.deepEqual(await names(""), [["kube0", "kube1", "kube2"], undefined]);
  assert.deepEqual(await names("limit=2"), [["kube0", "kube1"], "kube1"]);
  assert.deepEqual(await names("limit=2&after=kube1"), [["kube2"], undefined]);
  assert.deepEqual(await names("state=retired"), [["kube1"], undefined]);
  assert.deepEqual(await names("mac=52:54:00:12:34:02"), [["kube2"], undefined]);
  for (const bad of ["limit=0", "limit=x", "state=bogus", "limit=5000", "nonsense=1"]) {
    const answer = await request(app).get(`/api/v1/machines?${bad}`).set(auth).expect(400);
    assert.equal((answer.body as { code: string }).code, "bad-request", bad);
  }
});

test("a change merges into the spec; null takes a field back to its default", async () => {
  const { app, auth, control } = await operator();
  await request(app)
    .post("/api/v1/machines")
    .set(auth)
    .send({ ...KUBE0, timezone: "Europe/Berlin" })
    .expect(201);
  const changed = await request(app)
    .patch("/api/v1/machines/kube0")
    .set(auth)
    .set("If-Match", '"1"')
    .send({ install: { layout: "lvm" }, timezone: null })
    .expect(200);
  assert.equal(changed.headers.etag, '"2"');
  const spec = control.registry.byName("kube0")?.spec;
  assert.deepEqual(
    [spec?.install.layout, spec?.install.filesystem, spec?.timezone],
    ["lvm", "ext4", "Etc/UTC"],
  );
});

test("a change on an older revision is refused and overwrites nothing", async () => {
  const { app, auth, control } = await operator();
  await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(201);
  await request(app).patch("/api/v1/machines/kube0").set(auth).send({ timezone: "Europe/Paris" }).expect(200);
  const stale = await request(app)
    .patch("/api/v1/machines/kube0")
    .set(auth)
    .set("If-Match", '"1"')
    .send({ timezone: "Europe/Rome" })
    .expect(412);
  assert.equal((stale.body as { code: string }).code, "precondition-failed");
  assert.equal(control.registry.byName("kube0")?.spec.timezone, "Europe/Paris");
  await request(app).patch("/api/v1/machines/kube0").set(auth).set("If-Match", "abc").send({}).expect(400);
  await request(app).delete("/api/v1/machines/kube0").set(auth).set("If-Match", '"1"').expect(412);
  await request(app).post("/api/v1/machines/kube0/retire").set(auth).set("If-Match", '"1"').expect(412);
});

test("a change that does not fit names the field", async () => {
  const { app, auth } = await operator();
  await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(201);
  const answer = await request(app)
    .patch("/api/v1/machines/kube0")
    .set(auth)
    .send({ timezon: "x" })
    .expect(422);
  assert.match((answer.body as { detail: string }).detail, /did you mean "timezone"/);
});

test("deleting retires; deleting a retired machine forgets it", async () => {
  const { app, auth, control } = await operator();
  await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(201);
  const retired = await request(app).delete("/api/v1/machines/kube0").set(auth).expect(200);
  assert.equal((retired.body as { state: string }).state, "retired");
  await request(app).delete("/api/v1/machines/kube0").set(auth).expect(204);
  assert.equal(control.registry.byName("kube0"), undefined);
  await request(app).delete("/api/v1/machines/kube0").set(auth).expect(404);
});

test("what the present state does not allow is refused with its reason", async () => {
  const { app, auth } = await operator();
  await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(201);
  for (const verb of ["retry", "reimage", "approve"]) {
    const answer = await request(app).post(`/api/v1/machines/kube0/${verb}`).set(auth).expect(409);
    assert.equal((answer.body as { code: string }).code, "not-permitted-now", verb);
  }
});

test("a discovered machine is approved with fields of the spec that differ", async () => {
  const control = await fakeControl({ unknown: "discover" });
  const app = control.app({ trust: { kind: "local" } });
  const mac = "52:54:00:aa:bb:cc" as never;
  control.registry.noteSighting({ at: control.clock.now(), mac }, undefined);
  await new Promise((resolve) => setImmediate(resolve));
  const name = control.registry.byMac(mac)?.name ?? "";
  const bad = await request(app).post(`/api/v1/machines/${name}/approve`).send({ tiemzone: "x" }).expect(422);
  assert.match((bad.body as { detail: string }).detail, /timezone/);
  const approved = await request(app)
    .post(`/api/v1/machines/${name}/approve`)
    .send({ timezone: "Asia/Tokyo" })
    .expect(200);
  assert.equal((approved.body as { state: string }).state, "registered");
  assert.equal(control.registry.byName(name)?.spec.timezone, "Asia/Tokyo");
});

test("the next network boot is chosen, and the choice taken back", async () => {
  const { app, auth, control } = await operator();
  await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(201);
  await request(app).post("/api/v1/machines/kube0/boot").set(auth).send({ target: "local" }).expect(200);
  assert.equal(control.registry.byName("kube0")?.bootOverride, "local");
  await request(app).post("/api/v1/machines/kube0/boot").set(auth).send({ target: null }).expect(200);
  assert.equal(control.registry.byName("kube0")?.bootOverride, undefined);
  await request(app).post("/api/v1/machines/kube0/boot").set(auth).send({ target: "floppy" }).expect(422);
  await request(app).post("/api/v1/machines/kube0/boot").set(auth).expect(422);
});

test("a hold is ended by confirming", async () => {
  const { app, auth, control } = await operator();
  await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(201);
  await control.registry.hold("kube0", "restored from a backup", "test");
  const held = await request(app).get("/api/v1/machines/kube0").set(auth).expect(200);
  assert.equal((held.body as { held: string }).held, "restored from a backup");
  const confirmed = await request(app).post("/api/v1/machines/kube0/confirm").set(auth).expect(200);
  assert.equal((confirmed.body as { held?: string }).held, undefined);
});

test("waiting for a state answers when the machine reaches it", async () => {
  const { app, auth, control } = await operator();
  await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(201);
  const waiting = request(app).get("/api/v1/machines/kube0?wait=installing&timeout=20").set(auth).expect(200);
  const answer = waiting.then((response) => response.body as { state: string });
  setTimeout(() => void control.registry.apply("kube0", { type: "installer-booted" }, "test"), 30);
  assert.equal((await answer).state, "installing");
});

test("waiting ends early when the machine fails or the appliance stops", async () => {
  const { app, auth, control } = await operator();
  await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(201);
  await control.registry.apply("kube0", { type: "installer-booted" }, "test");
  const failing = request(app).get("/api/v1/machines/kube0?wait=installed&timeout=20").set(auth).expect(200);
  const answer = failing.then((response) => response.body as { state: string });
  setTimeout(
    () => void control.registry.apply("kube0", { type: "install-failed", reason: "no disk" }, "test"),
    30,
  );
  assert.equal((await answer).state, "failed");
  await control.registry.retry("kube0", "test");
  const stopped = request(app).get("/api/v1/machines/kube0?wait=installed&timeout=20").set(auth).expect(200);
  const last = stopped.then((response) => response.body as { state: string });
  setTimeout(() => control.stopping.abort(), 30);
  assert.equal((await last).state, "registered");
});

test("a viewer sees neither password hashes nor user-data", async () => {
  const { app, auth, control } = await operator();
  const secret = { access: { passwordHash: "$6$salt$hash" }, userData: { write_files: ["key"] } };
  await request(app)
    .post("/api/v1/machines")
    .set(auth)
    .send({ ...KUBE0, ...secret })
    .expect(201);
  const full = await request(app).get("/api/v1/machines/kube0").set(auth).expect(200);
  assert.match(JSON.stringify(full.body), /\$6\$salt\$hash/);
  const viewer = { Authorization: `Bearer ${await control.token("viewer")}` };
  for (const path of ["/api/v1/machines/kube0", "/api/v1/machines"]) {
    const seen = JSON.stringify((await request(app).get(path).set(viewer).expect(200)).body);
    assert.doesNotMatch(seen, /\$6\$|write_files/);
  }
});

test("every change is on record with who asked, from where, and what came of it", async () => {
  const { app, auth, control } = await operator();
  await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(201);
  await request(app).post("/api/v1/machines/kube0/retry").set(auth).expect(409);
  const events = await control.events.list({ limit: 50 });
  const audit = events
    .filter((event) => event.type.startsWith("api."))
    .map(({ type, source, level, message }) => ({ type, source, level, message }));
  const source = "api:operator-0";
  assert.deepEqual(audit, [
    { type: "api.registerMachine", source, level: "info", message: "POST /api/v1/machines: done" },
    {
      type: "api.retryMachine",
      source,
      level: "warning",
      message: "POST /api/v1/machines/kube0/retry: not-permitted-now",
    },
  ]);
});

test("an address that nothing answers is a problem, and a wrong method names the right ones", async () => {
  const { app, auth } = await operator();
  const lost = await request(app).get("/api/v1/nonsense").set(auth).expect(404);
  assert.equal((lost.body as { code: string }).code, "not-found");
  const wrong = await request(app).put("/api/v1/machines").set(auth).expect(405);
  assert.equal(wrong.headers.allow, "GET, POST");
  await request(app).get("/api/v1/machines/%E0%A4%A").set(auth).expect(400);
});

test("a store that cannot be written is 503, and the registry shows nothing that is not durable", async () => {
  const { app, auth, control } = await operator();
  control.store.break();
  const answer = await request(app).post("/api/v1/machines").set(auth).send(KUBE0).expect(503);
  assert.equal((answer.body as { code: string }).code, "unavailable");
  assert.equal(control.registry.byName("kube0"), undefined);
});
