import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import request from "supertest";
import { machineSpecSchema } from "../../../../src/domain/machine-spec.ts";
import { type FakeControl, fakeControl } from "../../../support/control-services.ts";

const SPEC = machineSpecSchema.parse({ mac: "52:54:00:12:34:01" });

async function withMachine() {
  const control = await fakeControl();
  await control.registry.register({ name: "kube0", spec: SPEC }, "test");
  return { control, app: control.app({ trust: { kind: "local" } }) };
}

function ids(answer: { body: unknown }) {
  const { items, next } = answer.body as { items: { id: number }[]; next?: string };
  return { ids: items.map((item) => item.id), next };
}

test("events are the newest without a starting point, and go on from one with it", async () => {
  const { control, app } = await withMachine();
  for (let count = 0; count < 4; count++)
    control.events.record({ type: "x", source: "test", message: String(count) });
  assert.deepEqual(ids(await request(app).get("/api/v1/events?limit=2")), { ids: [4, 5], next: undefined });
  assert.deepEqual(ids(await request(app).get("/api/v1/events?limit=2&after=0")), { ids: [1, 2], next: "2" });
  assert.deepEqual(ids(await request(app).get("/api/v1/events?limit=2&after=3")), {
    ids: [4, 5],
    next: undefined,
  });
  assert.deepEqual(ids(await request(app).get("/api/v1/events?machine=kube0")), {
    ids: [1],
    next: undefined,
  });
  assert.deepEqual(ids(await request(app).get("/api/v1/machines/kube0/events")), {
    ids: [1],
    next: undefined,
  });
  await request(app).get("/api/v1/machines/nobody/events").expect(404);
  await request(app).get("/api/v1/events?level=loud").expect(400);
});

test("the installer log is JSON, or plain lines for who asks for text", async () => {
  const { control, app } = await withMachine();
  control.installerLog.note({ name: "kube0", generation: 1 }, { program: "partman", text: "first" });
  control.installerLog.note({ name: "kube0", generation: 2 }, { program: "partman", text: "second" });
  assert.deepEqual(ids(await request(app).get("/api/v1/machines/kube0/logs")), {
    ids: [1, 2],
    next: undefined,
  });
  assert.deepEqual(ids(await request(app).get("/api/v1/machines/kube0/logs?generation=2")), {
    ids: [2],
    next: undefined,
  });
  const text = await request(app).get("/api/v1/machines/kube0/logs").set("Accept", "text/plain").expect(200);
  assert.match(text.headers["content-type"] ?? "", /text\/plain/);
  assert.equal(
    text.text,
    "2025-06-15T15:06:40.000Z partman: first\n2025-06-15T15:06:40.000Z partman: second\n",
  );
});

/** A reader of server-sent events over a real connection. */
async function follow(
  app: ReturnType<FakeControl["app"]>,
  path: string,
  headers: Record<string, string> = {},
) {
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const response = await new Promise<IncomingMessage>((resolve) => {
    get({ port, host: "127.0.0.1", path, headers }, resolve);
  });
  let text = "";
  response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return {
    response,
    text: () => text,
    /** Ids so far, once there are at least so many. */
    async ids(count: number): Promise<number[]> {
      for (;;) {
        const found = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
        if (found.length >= count) return found;
        await once(response, "data");
      }
    },
    close() {
      response.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

test("followed events come as they happen, and only the ones asked for", async () => {
  const { control, app } = await withMachine();
  const reader = await follow(app, "/api/v1/events?follow=1&machine=kube0");
  assert.match(reader.response.headers["content-type"] ?? "", /text\/event-stream/);
  while (!reader.text().includes("retry")) await once(reader.response, "data");
  control.events.record({ type: "x", source: "test", machine: "other", message: "not this" });
  control.events.record({ type: "x", source: "test", machine: "kube0", message: "line\nbreak" });
  assert.deepEqual(await reader.ids(1), [3]);
  assert.match(reader.text(), /^data: \{.*"message":"line\\nbreak".*\}$/m);
  reader.close();
});

test("a reader that comes back gets what it missed, once, and then what comes", async () => {
  const { control, app } = await withMachine();
  for (let count = 0; count < 1200; count++) {
    control.events.record({ type: "x", source: "test", machine: `m${count}`, message: String(count) });
  }
  const reader = await follow(app, "/api/v1/events?follow=1", { "Last-Event-ID": "3" });
  control.events.record({ type: "x", source: "test", message: "new" });
  const seen = await reader.ids(1199);
  assert.deepEqual(
    seen,
    Array.from({ length: 1199 }, (_, index) => index + 4),
  );
  reader.close();
});

test("installer lines are followed for one machine", async () => {
  const { control, app } = await withMachine();
  control.installerLog.note({ name: "kube0", generation: 1 }, { program: "a", text: "before" });
  const reader = await follow(app, "/api/v1/machines/kube0/logs?follow=1&after=0");
  assert.deepEqual(await reader.ids(1), [1]);
  control.installerLog.note({ name: "other", generation: 1 }, { program: "a", text: "not this" });
  control.installerLog.note({ name: "kube0", generation: 1 }, { program: "a", text: "this" });
  assert.deepEqual(await reader.ids(2), [1, 3]);
  reader.close();
});

test("feeds end when the appliance stops", async () => {
  const { control, app } = await withMachine();
  const reader = await follow(app, "/api/v1/events?follow=1");
  reader.response.resume();
  control.stopping.abort();
  await once(reader.response, "end");
  reader.close();
});
