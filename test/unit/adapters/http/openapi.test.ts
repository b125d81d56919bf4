import assert from "node:assert/strict";
import { test } from "node:test";
import type { Router } from "express";
import request from "supertest";
import { apiRoutes } from "../../../../src/adapters/http/api-routes.ts";
import { mountRoutes } from "../../../../src/adapters/http/mount-routes.ts";
import { COMPONENTS } from "../../../../src/adapters/http/openapi-components.ts";
import { machineSpecSchema } from "../../../../src/domain/machine-spec.ts";
import { fakeControl } from "../../../support/control-services.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
  readonly responses: Record<string, { readonly $ref?: string }>;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly schemas: Record<string, object>;
    readonly responses: Record<string, object>;
  };
}

async function served() {
  const control = await fakeControl();
  const app = control.app();
  const answer = await request(app).get("/api/v1/openapi.json").expect(200);
  return { control, app, document: answer.body as Document };
}

test("every address the router answers is in the document, and the other way round", async () => {
  const { control, document } = await served();
  const router: Router = mountRoutes({
    routes: apiRoutes(control.services),
    trust: { kind: "local" },
    events: control.events,
    stopping: control.stopping.signal,
  });
  const mounted = router.stack.flatMap(({ route }) => {
    const { path = "", methods = {} } = (route ?? {}) as { path?: string; methods?: Record<string, boolean> };
    return Object.keys(methods)
      .filter((method) => method !== "_all")
      .map((method) => `${method} ${path}`);
  });
  const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
  );
  assert.deepEqual(documented.sort(), mounted.sort());
  assert.ok(documented.length > 25);
});

test("the document names its version, and each operation has an id of its own and its path's parameters", async () => {
  const { document } = await served();
  assert.equal(document.openapi, "3.1.0");
  assert.equal(document.info.version, "0.1.0");
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.values(methods).map((operation) => ({ path, operation })),
  );
  const operationIds = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(operationIds).size, operationIds.length);
  for (const { path, operation } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = operation.parameters.filter((each) => each.in === "path").map((each) => each.name);
    assert.deepEqual(declared, inPath, operation.operationId);
  }
});

test("everything that is referred to exists", async () => {
  const { document } = await served();
  for (const [, kind, name] of JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)) {
    const components = document.components as unknown as Record<string, Record<string, object>>;
    assert.ok(components[kind ?? ""]?.[name ?? ""], `${kind}/${name}`);
  }
});

test("every example passes the schema that checks requests", async () => {
  const { control } = await served();
  const examples = apiRoutes(control.services).filter((each) => each.example !== undefined);
  assert.ok(examples.length > 5);
  for (const each of examples) assert.ok(each.body?.safeParse(each.example).success, each.id);
});

test("the registration body lists the fields of the spec beside the name", async () => {
  const { document } = await served();
  const schema = document.paths["/machines"]?.post?.requestBody?.content["application/json"]?.schema as {
    properties: Record<string, object>;
    required: string[];
  };
  assert.deepEqual(schema.required, ["mac"]);
  for (const field of ["name", "mac", "os", "install", "access", "interfaces"])
    assert.ok(schema.properties[field], field);
});

test("answers fit the schemas that the document gives them", async () => {
  const { control } = await served();
  const app = control.app({ trust: { kind: "local" } });
  const spec = machineSpecSchema.parse({ mac: "52:54:00:12:34:01", address: "10.0.0.5" });
  await control.registry.register({ name: "kube0", spec }, "test");
  await control.registry.apply("kube0", { type: "installer-booted" }, "test");
  await control.registry.apply("kube0", { type: "install-failed", reason: "no disk" }, "test");
  control.registry.noteSighting({ at: 5, mac: "52:54:00:aa:bb:cc" as never }, undefined);
  control.installerLog.note({ name: "kube0", generation: 1 }, { program: "a", text: "b" });
  await control.store.leases.commit([
    {
      address: "10.0.0.10",
      client: "mac:x",
      state: "bound",
      startsAt: 1,
      expiresAt: 2,
      mac: "52:54:00:12:34:01",
    },
    { address: "10.0.0.9", client: "mac:y", state: "bound", startsAt: 1, expiresAt: 2 },
  ]);
  await control.tokens.create({ name: "alice", role: "viewer" });
  const cases: Readonly<Record<string, string>> = {
    "machines/kube0": "Machine",
    machines: "MachineList",
    "machines/kube0/diagnose": "Diagnosis",
    "machines/kube0/logs": "LogList",
    events: "EventList",
    leases: "LeaseList",
    unknown: "UnknownList",
    status: "Status",
    config: "Config",
    assets: "AssetList",
    tokens: "TokenList",
    "machines/nobody": "Problem",
  };
  for (const [path, name] of Object.entries(cases)) {
    const { body } = (await request(app).get(`/api/v1/${path}`)) as { body: unknown };
    const result = COMPONENTS[name]?.safeParse(body);
    assert.equal(result?.success, true, `${path}: ${result?.error?.message ?? ""}`);
  }
  const { body: leases } = (await request(app).get("/api/v1/leases")) as {
    body: { items: { address: string; machine?: string }[] };
  };
  assert.deepEqual(
    leases.items.map(({ address, machine }) => [address, machine]),
    [
      ["10.0.0.9", undefined],
      ["10.0.0.10", "kube0"],
    ],
  );
});

test("the page about the API shows every operation and every problem, without a token", async () => {
  const { control, document } = await served();
  const page = await request(control.app({ web: true }))
    .get("/docs")
    .expect(200);
  for (const methods of Object.values(document.paths)) {
    for (const { operationId } of Object.values(methods))
      assert.match(page.text, new RegExp(`id="${operationId}"`));
  }
  assert.match(page.text, /id="problem-precondition-failed"/);
});
