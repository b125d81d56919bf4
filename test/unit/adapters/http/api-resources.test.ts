import assert from "node:assert/strict";
import { test } from "node:test";
import request from "supertest";
import { CLUSTER } from "../../../support/cluster-documents.ts";
import { fakeControl } from "../../../support/control-services.ts";

async function rack(role: "operator" | "viewer" = "operator") {
  const control = await fakeControl();
  const app = control.app();
  const as = async (who: "operator" | "viewer") => ({ Authorization: `Bearer ${await control.token(who)}` });
  return { control, app, as, auth: await as(role) };
}

const files = (text: string) => [{ name: "rack.yaml", text }];

test("S4-04, DESIGN-3.5 documents are applied as YAML texts, a second time nothing changes, and a dry run never does", async () => {
  const { app, auth, control } = await rack();
  const dry = await request(app)
    .post("/api/v1/apply")
    .set(auth)
    .send({ files: files(CLUSTER), dryRun: true })
    .expect(200);
  const { applied, machines } = dry.body as {
    applied: boolean;
    machines: { name: string; serves: string }[];
  };
  assert.equal(applied, false);
  assert.match(machines[0]?.serves ?? "", /^the installer/);
  assert.deepEqual(control.registry.list(), []);
  const done = await request(app)
    .post("/api/v1/apply")
    .set(auth)
    .send({ files: files(CLUSTER) })
    .expect(200);
  assert.equal((done.body as { applied: boolean }).applied, true);
  assert.equal(control.registry.list().length, 5);
  const again = await request(app)
    .post("/api/v1/apply")
    .set(auth)
    .send({ files: files(CLUSTER) })
    .expect(200);
  assert.equal((again.body as { applied: boolean }).applied, false);
});

test("DESIGN-7 documents with faults are refused with file and line of each, and nothing changed", async () => {
  const { app, auth, control } = await rack();
  const answer = await request(app)
    .post("/api/v1/apply")
    .set(auth)
    .send({ files: files(CLUSTER.replace("podCIDR", "podCDIR")) })
    .expect(422)
    .expect("Content-Type", /application\/problem\+json/);
  const { code, faults } = answer.body as { code: string; faults: object[] };
  assert.equal(code, "bad-config");
  assert.deepEqual(faults, [
    {
      path: "Cluster lab, network.podCDIR",
      message: 'unknown key "podCDIR"; did you mean "podCIDR"?',
      file: "rack.yaml",
      line: 6,
      column: 14,
    },
  ]);
  assert.deepEqual(control.registry.list(), []);
});

test("DESIGN-3.4 documents as JSON do the same as texts", async () => {
  const { app, auth, control } = await rack();
  const documents = [
    {
      apiVersion: "muster/v1",
      kind: "Machine",
      metadata: { name: "kube0" },
      spec: { mac: "52:54:00:12:34:01" },
    },
  ];
  await request(app).post("/api/v1/apply").set(auth).send({ documents }).expect(200);
  assert.equal(control.registry.byMac("52:54:00:12:34:01")?.name, "kube0");
  const both = { documents, files: files(CLUSTER) };
  await request(app).post("/api/v1/apply").set(auth).send(both).expect(422);
});

test("DESIGN-3.5 clusters are shown with their members and every default, secrets are not", async () => {
  const { app, auth } = await rack();
  const text = CLUSTER.replace("port: 8443", "port: 8443, stats: { user: ops, password: swordfish }");
  await request(app)
    .post("/api/v1/apply")
    .set(auth)
    .send({ files: files(text) })
    .expect(200);
  const answer = await request(app).get("/api/v1/clusters/lab").set(auth).expect(200);
  const view = answer.body as {
    effective: { apiPort: number; endpoint: { stats: object } };
    members: object[];
  };
  assert.equal(view.effective.apiPort, 6443);
  assert.deepEqual(view.members[0], {
    name: "kube0",
    roles: ["control-plane"],
    address: "10.20.0.10",
    state: "registered",
  });
  assert.doesNotMatch(answer.text, /swordfish/);
  const list = await request(app).get("/api/v1/clusters").set(auth).expect(200);
  assert.deepEqual(
    (list.body as { items: { name: string }[] }).items.map(({ name }) => name),
    ["lab"],
  );
  await request(app).get("/api/v1/clusters/other").set(auth).expect(404);
});

test("DESIGN-3.1 a document is deleted by kind and name, with its machines, unless they are in use", async () => {
  const { app, auth, control } = await rack();
  await request(app)
    .post("/api/v1/apply")
    .set(auth)
    .send({ files: files(CLUSTER) })
    .expect(200);
  await control.registry.apply("kube1", { type: "installer-booted" }, "dhcp");
  const refused = await request(app).delete("/api/v1/resources/cluster/lab").set(auth).expect(422);
  assert.match(refused.text, /machine kube1 is installing; retire it first with `muster retire kube1`/);
  await control.registry.retire("kube1", "cli");
  await request(app).delete("/api/v1/resources/cluster/lab").set(auth).expect(200);
  assert.deepEqual(control.registry.list(), []);
  await request(app).delete("/api/v1/resources/cluster/lab").set(auth).expect(404);
  await request(app).delete("/api/v1/resources/pod/lab").set(auth).expect(404);
});

test("DESIGN-3.4 a machine that is forgotten takes its document along: the next apply does not bring it back", async () => {
  const { app, auth, control } = await rack();
  const machine = (name: string, mac: string) =>
    `apiVersion: muster/v1\nkind: Machine\nmetadata: { name: ${name} }\nspec: { mac: "${mac}" }\n---\n`;
  const text = machine("a", "52:54:00:00:00:01");
  await request(app)
    .post("/api/v1/apply")
    .set(auth)
    .send({ files: files(text) })
    .expect(200);
  await request(app).delete("/api/v1/machines/a").set(auth).expect(200);
  await request(app).delete("/api/v1/machines/a").set(auth).expect(204);
  const other = machine("b", "52:54:00:00:00:02");
  await request(app)
    .post("/api/v1/apply")
    .set(auth)
    .send({ files: files(other) })
    .expect(200);
  assert.deepEqual(
    control.registry.list().map(({ name }) => name),
    ["b"],
  );
});

test("DESIGN-3.5 a viewer sees clusters and changes nothing", async () => {
  const { app, auth, control } = await rack("viewer");
  await request(app).get("/api/v1/clusters").set(auth).expect(200);
  await request(app).get("/api/v1/profiles").set(auth).expect(200);
  await request(app)
    .post("/api/v1/apply")
    .set(auth)
    .send({ files: files(CLUSTER) })
    .expect(403);
  assert.deepEqual(control.registry.list(), []);
});

test("DESIGN-3.5 a viewer sees no user-data and no hash, wherever a document holds them", async () => {
  const { app, as } = await rack();
  const userData = { write_files: [{ path: "/x", content: "PRIVATE" }] };
  const profile = { apiVersion: "muster/v1", kind: "Profile", metadata: { name: "p" }, spec: { userData } };
  const text = CLUSTER.replace(
    "spec:",
    'spec:\n  defaults: { userData: { a: PRIVATE }, access: { passwordHash: "$6$PRIVATE" } }',
  );
  const operator = await as("operator");
  await request(app)
    .post("/api/v1/apply")
    .set(operator)
    .send({ documents: [profile] })
    .expect(200);
  await request(app)
    .post("/api/v1/apply")
    .set(operator)
    .send({ files: files(text) })
    .expect(200);
  const seen = await request(app).get("/api/v1/profiles/p").set(operator).expect(200);
  assert.match(seen.text, /PRIVATE/, "an operator does");
  const viewer = await as("viewer");
  for (const path of ["clusters", "clusters/lab", "profiles", "profiles/p"]) {
    const { text: answer } = await request(app).get(`/api/v1/${path}`).set(viewer).expect(200);
    assert.doesNotMatch(answer, /PRIVATE/, path);
    assert.match(answer, /"userData":\{"\(hidden\)":true\}/, path);
  }
});

test("DESIGN-7 a document without end is refused: one that contains itself, one of a thousand levels, ten thousand wrong ones", async () => {
  const { app, auth } = await rack();
  const send = (body: object) => request(app).post("/api/v1/apply").set(auth).send(body).expect(422);
  const itself = "&a\napiVersion: muster/v1\nkind: Profile\nmetadata: { name: x }\nspec:\n  userData: *a\n";
  const answer = await send({ files: files(itself) });

  assert.match(answer.text, /contains itself/);
  let deep: object = {};
  for (let level = 0; level < 1000; level++) deep = { a: deep };
  assert.match((await send({ documents: [deep] })).text, /nested more than 64 deep/);
  const started = performance.now();
  await send({ files: files("---\n{}\n".repeat(10_000)) });
  assert.ok(performance.now() - started < 10_000, "in seconds, not minutes");
});

test("DESIGN-6 the documents of a large rack are taken, endless ones are not", async () => {
  const { app, auth } = await rack();
  const send = (text: string) =>
    request(app)
      .post("/api/v1/apply")
      .set(auth)
      .send({ files: files(text) });
  await send(`# ${"x".repeat(1024 * 1024)}\n`).expect(200);
  await send(`# ${"x".repeat(9 * 1024 * 1024)}\n`).expect(413);
});
