import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import request from "supertest";
import { apiRoutes } from "../../../../src/adapters/http/api-routes.ts";
import { fakeControl } from "../../../support/control-services.ts";

test("whatever JSON is sent to whatever address, the answer is never a failure of the appliance", async () => {
  const control = await fakeControl();
  const app = control.app({ trust: { kind: "local" } });
  await request(app).post("/api/v1/machines").send({ mac: "52:54:00:12:34:01", name: "kube0" }).expect(201);
  const routes = apiRoutes(control.services).filter((each) => each.body !== undefined);
  const fields = [
    ...new Set(routes.flatMap((each) => Object.keys(each.example ?? {}))),
    "install",
    "access",
    "__proto__",
    "constructor",
  ];
  const body = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom(...fields), fc.jsonValue(), { maxKeys: 5 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...routes),
      fc.constantFrom("kube0", "nobody", "..", "%00", "a".repeat(300)),
      body,
      async (route, name, value) => {
        const path = `/api/v1${route.path.replaceAll(/\{\w+\}/g, encodeURIComponent(name))}`;
        const answer = await request(app)[route.method](path).type("json").send(JSON.stringify(value));
        assert.ok(
          answer.status < 500,
          `${route.id} ${JSON.stringify(value)}: ${answer.status} ${answer.text}`,
        );
        if (answer.status >= 400) assert.match(answer.headers["content-type"] ?? "", /problem\+json/);
      },
    ),
    { numRuns: 120 },
  );
});

test("whatever the address or its query, the answer is never a failure of the appliance", async () => {
  const control = await fakeControl();
  const app = control.app({
    web: true,
    trust: { kind: "tokens", tokens: control.tokens, failures: control.failures },
  });
  const token = await control.token("admin");
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(
        "/api/v1/machines",
        "/api/v1/events",
        "/api/v1/machines/x/logs",
        "/machines",
        "/web",
        "/node/v1",
        "",
      ),
      fc.webPath(),
      fc.webQueryParameters(),
      async (prefix, path, query) => {
        const answer = await request(app)
          .get(`${prefix}${path.startsWith("/") ? path : `/${path}`}?${query}`)
          .set("Authorization", `Bearer ${token}`)
          .redirects(0);
        assert.ok(answer.status < 500, `${prefix}${path}?${query}: ${answer.status}`);
      },
    ),
    { numRuns: 120 },
  );
});

test("nothing outside the page's own files is served under /web", async () => {
  const control = await fakeControl();
  const server = createServer(control.app({ web: true })).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (const path of [
    "/web/../layout.njk",
    "/web/%2e%2e/layout.njk",
    "/web/..%2flayout.njk",
    "/web//etc/passwd",
    "/web/%00",
    "/web/",
  ]) {
    const socket = connect(port, "127.0.0.1");
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, /^HTTP\/1\.1 (4\d\d|303)/, path);
    assert.doesNotMatch(text, /doctype|root:/, path);
  }
  server.close();
});
