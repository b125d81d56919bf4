import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import request from "supertest";
import { machineSpecSchema } from "../../../../src/domain/machine-spec.ts";
import type { TokenRole } from "../../../../src/services/permissions.ts";
import type { FakeControl } from "../../../support/control-services.ts";
import { fakeControl } from "../../../support/control-services.ts";

const SPEC = machineSpecSchema.parse({ mac: "52:54:00:12:34:01" });

async function website(role: TokenRole = "operator") {
  const control = await fakeControl();
  const app = control.app({ web: true });
  const token = await control.token(role);
  const login = await request(app).post("/login").type("form").send({ token }).expect(303);
  const cookie = String((login.headers["set-cookie"] as unknown as string[])[0]).split(";")[0] ?? "";
  return { control, app, cookie, token };
}

async function formTokenOf(app: ReturnType<FakeControl["app"]>, cookie: string): Promise<string> {
  const page = await request(app).get("/").set("Cookie", cookie).expect(200);
  return /name="formToken" value="([\w-]+)"/.exec(page.text)?.[1] ?? "";
}

test("people without a session are sent to the login page, and get in with a token", async () => {
  const { app, cookie } = await website();
  await request(app).get("/").expect(303).expect("Location", "/login");
  await request(app).get("/machines/kube0").expect(303);
  await request(app).get("/login").expect(200);
  const page = await request(app).get("/").set("Cookie", cookie).expect(200);
  assert.match(page.text, /No machine is registered yet/);
});

test("the session cookie is closed to scripts, to other sites and to plain HTTP", async () => {
  const { app, token } = await website();
  const login = await request(app).post("/login").type("form").send({ token }).expect(303);
  const cookie = String((login.headers["set-cookie"] as unknown as string[])[0]);
  for (const part of [/^__Host-muster=/, /HttpOnly/, /Secure/, /SameSite=Strict/, /Path=\//])
    assert.match(cookie, part);
  assert.doesNotMatch(cookie, new RegExp(token.slice(-20)));
});

test("a wrong token is refused on the login page, and many are slowed down", async () => {
  const { app } = await website();
  for (let count = 0; count < 5; count++) {
    await request(app).post("/login").type("form").send({ token: "wrong" }).expect(401);
  }
  const slowed = await request(app).post("/login").type("form").send({ token: "wrong" }).expect(429);
  assert.match(slowed.text, /Wait 60 seconds/);
});

test("a session ends with its token, with its time, and with logging out; a forged one never begins", async () => {
  const { app, cookie, control } = await website();
  const formToken = await formTokenOf(app, cookie);
  const out = await request(app)
    .post("/logout")
    .type("form")
    .set("Cookie", cookie)
    .send({ formToken })
    .expect(303);
  assert.match(String(out.headers["set-cookie"]), /__Host-muster=;/);
  for (const forged of [
    cookie.replace(/.$/, (last) => (last === "A" ? "B" : "A")),
    "__Host-muster=",
    "__Host-muster=a.b.c",
  ]) {
    await request(app).get("/").set("Cookie", forged).expect(303);
  }
  control.clock.advance(12 * 3_600_000);
  await request(app).get("/").set("Cookie", cookie).expect(303);
  const again = await website();
  await again.control.tokens.revoke(again.control.tokens.list()[0]?.id ?? "");
  await request(again.app).get("/").set("Cookie", again.cookie).expect(303);
});

test("the session opens pages, not the API: other sites' scripts have nothing to ride on", async () => {
  const { app, cookie } = await website();
  await request(app).get("/api/v1/machines").set("Cookie", cookie).expect(401);
});

test("a form from elsewhere changes nothing", async () => {
  const { app, cookie, control } = await website();
  const formToken = await formTokenOf(app, cookie);
  const fields = { mac: "52:54:00:12:34:01", name: "kube0" };
  const post = () => request(app).post("/register").type("form").set("Cookie", cookie);
  await post().send(fields).expect(403);
  await post()
    .send({ ...fields, formToken: "x".repeat(43) })
    .expect(403);
  await post()
    .set("Sec-Fetch-Site", "cross-site")
    .send({ ...fields, formToken })
    .expect(403);
  assert.deepEqual(control.registry.list(), []);
  await post()
    .set("Sec-Fetch-Site", "same-origin")
    .send({ ...fields, formToken })
    .expect(303);
  assert.equal(control.registry.byName("kube0")?.spec.mac, "52:54:00:12:34:01");
  const [event] = (await control.events.list({ limit: 10 })).filter(
    (each) => each.type === "api.registerMachine",
  );
  assert.equal(event?.source, "api:operator-0");
});

test("a form that does not fit says so and keeps what was typed", async () => {
  const { app, cookie } = await website();
  const formToken = await formTokenOf(app, cookie);
  const page = await request(app)
    .post("/register")
    .type("form")
    .set("Cookie", cookie)
    .send({ mac: "52:54", name: "kube0", formToken })
    .expect(422);
  assert.match(page.text, /not a MAC address/);
  assert.match(page.text, /value="52:54"/);
});

test("a viewer sees no buttons, and cannot press them", async () => {
  const { app, cookie, control } = await website("viewer");
  await control.registry.register({ name: "kube0", spec: SPEC }, "test");
  const page = await request(app).get("/machines/kube0").set("Cookie", cookie).expect(200);
  assert.doesNotMatch(page.text, /<h2>Actions/);
  const formToken = await formTokenOf(app, cookie);
  const pressed = await request(app)
    .post("/machines/kube0/boot")
    .type("form")
    .set("Cookie", cookie)
    .send({ formToken, target: "local" })
    .expect(403);
  assert.match(pressed.text, /role viewer/);
  assert.equal(control.registry.byName("kube0")?.bootOverride, undefined);
});

test("what destroys something asks for the machine's name", async () => {
  const { app, cookie, control } = await website();
  await control.registry.register({ name: "kube0", spec: SPEC }, "test");
  const formToken = await formTokenOf(app, cookie);
  const press = (fields: object) =>
    request(app)
      .post("/machines/kube0/retire")
      .type("form")
      .set("Cookie", cookie)
      .send({ formToken, ...fields });
  const asked = await press({}).expect(400);
  assert.match(asked.text, /Nothing was done: type kube0/);
  assert.equal(control.registry.byName("kube0")?.state, "registered");
  await press({ confirm: "kube0" }).expect(303).expect("Location", "/machines/kube0");
  assert.equal(control.registry.byName("kube0")?.state, "retired");
});

test("buttons that the state does not allow explain themselves", async () => {
  const { app, cookie, control } = await website();
  await control.registry.register({ name: "kube0", spec: SPEC }, "test");
  const formToken = await formTokenOf(app, cookie);
  const retry = await request(app)
    .post("/machines/kube0/retry")
    .type("form")
    .set("Cookie", cookie)
    .send({ formToken })
    .expect(409);
  assert.match(retry.text, /role="alert"/);
  await request(app)
    .post("/machines/kube0/explode")
    .type("form")
    .set("Cookie", cookie)
    .send({ formToken })
    .expect(404);
  await request(app)
    .post("/machines/nobody/retry")
    .type("form")
    .set("Cookie", cookie)
    .send({ formToken })
    .expect(404);
  await request(app).get("/machines/nobody").set("Cookie", cookie).expect(404);
});

test("what machines and installers say is text on a page, never markup", async () => {
  const { app, cookie, control } = await website();
  const evil = "<script>alert(1)</script>\"'><img src=x>";
  await control.registry.register({ name: "kube0", spec: SPEC }, "test");
  control.registry.noteSighting({ at: 1, mac: "52:54:00:aa:bb:cc" as never, vendorClass: evil }, undefined);
  control.events.record({ type: "x", machine: "kube0", source: evil, message: evil });
  control.installerLog.note({ name: "kube0", generation: 1 }, { program: evil, text: evil });
  await control.registry.apply("kube0", { type: "installer-booted" }, "test");
  await control.registry.apply("kube0", { type: "install-failed", reason: evil }, "test");
  for (const path of ["/", "/machines/kube0"]) {
    const page = await request(app).get(path).set("Cookie", cookie).expect(200);
    assert.match(page.text, /&lt;script&gt;alert\(1\)/, path);
    assert.doesNotMatch(page.text, /<script>alert|<img src=x/, path);
  }
});

test("pages forbid scripts and frames from elsewhere", async () => {
  const { app, cookie } = await website();
  for (const path of ["/login", "/docs", "/", "/web/style.css", "/nothing", "/api/v1/machines"]) {
    const answer = await request(app).get(path).set("Cookie", cookie);
    assert.match(
      answer.headers["content-security-policy"] ?? "",
      /script-src 'self'.*frame-ancestors 'none'/,
      path,
    );
    assert.equal(answer.headers["x-content-type-options"], "nosniff");
  }
  const login = await request(app).get("/login");
  assert.doesNotMatch(login.text, /https?:\/\//, "nothing is loaded from elsewhere");
});

test("the banner says what is degraded and that another DHCP server answers", async () => {
  const { app, cookie, control } = await website();
  control.status = {
    ...control.status,
    listeners: [{ name: "dhcp", state: "degraded", problem: "No right to open UDP port 67" }],
    rivals: [{ address: "10.0.0.254", seenAt: 1 }],
  };
  const page = await request(app).get("/").set("Cookie", cookie).expect(200);
  assert.match(page.text, /No right to open UDP port 67/);
  assert.match(page.text, /another DHCP server answers at 10\.0\.0\.254/);
});

test("a failed machine's tile says what happened and what to do", async () => {
  const { app, cookie, control } = await website();
  await control.registry.register({ name: "kube0", spec: SPEC }, "test");
  await control.registry.apply("kube0", { type: "installer-booted" }, "test");
  await control.registry.apply(
    "kube0",
    { type: "install-failed", reason: "the disk holds an LVM volume group", stage: "partitioning" },
    "test",
  );
  const page = await request(app).get("/").set("Cookie", cookie).expect(200);
  assert.match(page.text, /the disk holds an LVM volume group, while preparing the disk/);
  assert.match(page.text, /Fix what it names, then retry/);
});

test("an open page is sent the tile of a machine that changed", async () => {
  const { app, cookie, control } = await website();
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const response = await new Promise<IncomingMessage>((resolve) => {
      get({ port, host: "127.0.0.1", path: "/live", headers: { Cookie: cookie } }, resolve);
    });
    const chunks: string[] = [];
    response.setEncoding("utf8").on("data", (chunk: string) => chunks.push(chunk));
    await control.registry.register({ name: "kube0", spec: SPEC }, "test");
    while (!chunks.join("").includes("event: tile")) await once(response, "data");
    const data = /data: (\{.*\})/.exec(chunks.join(""))?.[1] ?? "{}";
    const { name, html } = JSON.parse(data) as { name: string; html: string };
    assert.equal(name, "kube0");
    assert.match(html, /id="machine-kube0"/);
    control.stopping.abort();
    await once(response, "end");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("a roll of hundreds is shown in pages and by state", async () => {
  const { app, cookie, control } = await website();
  for (let index = 0; index < 205; index++) {
    const mac = `52:54:00:00:00:${index.toString(16).padStart(2, "0")}`;
    await control.registry.register(
      { name: `m${String(index).padStart(3, "0")}`, spec: machineSpecSchema.parse({ mac }) },
      "test",
    );
  }
  await control.registry.retire("m204", "test");
  const tiles = async (path: string) => {
    const { text } = await request(app).get(path).set("Cookie", cookie).expect(200);
    return { names: [...text.matchAll(/id="machine-(m\d+)"/g)].map(([, name]) => name), text };
  };
  const first = await tiles("/");
  assert.deepEqual([first.names.length, first.names.at(-1)], [200, "m199"]);
  assert.match(first.text, /after=m199/);
  assert.match(first.text, /204 registered/);
  assert.match(first.text, /data-complete="false"/);
  assert.deepEqual((await tiles("/?after=m199")).names, ["m200", "m201", "m202", "m203"]);
  assert.deepEqual((await tiles("/?state=retired")).names, ["m204"]);
  assert.deepEqual((await tiles("/?state=nonsense")).names, []);
});
