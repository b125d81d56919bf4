import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { ApiClient, apiPath } from "../../../../src/adapters/client/api-client.ts";
import { ApiError, UnreachableError } from "../../../../src/adapters/client/api-error.ts";
import { collect } from "../../../support/collect.ts";
import { FakeApi, type FakeRoutes } from "../../../support/fake-api.ts";

const never = new AbortController().signal;

async function serve(t: TestContext, routes: FakeRoutes, token?: string) {
  const api = new FakeApi(routes);
  const url = new URL(await api.listen());
  t.after(() => api.close());
  return { api, client: new ApiClient({ kind: "url", url, ...(token !== undefined && { token }) }, never) };
}

test("a list is read page after page, with its filter on each", async (t) => {
  const { api, client } = await serve(t, {
    "GET machines": [{ body: { items: [1, 2], next: "b c" } }, { body: { items: [3] } }],
  });
  assert.deepEqual(await client.list(["machines"], { state: "failed", mac: undefined }), [1, 2, 3]);
  assert.deepEqual(
    api.requests.map((request) => request.path),
    ["machines?state=failed", "machines?state=failed&after=b+c"],
  );
});

test("the token goes into the header, bodies are JSON, an empty answer is undefined", async (t) => {
  const { api, client } = await serve(t, { "DELETE tokens/a%2Fb": { status: 204 } }, "secret");
  assert.equal(await client.send("DELETE", apiPath(["tokens", "a/b"]), { why: 1 }), undefined);
  assert.equal(api.requests[0]?.headers.authorization, "Bearer secret");
  assert.deepEqual(api.requests[0].body, { why: 1 });
});

test("a problem document becomes an error with its detail, hint and faults", async (t) => {
  const faults = [{ path: "os", message: "expected debian-12 or debian-13" }];
  const body = { code: "invalid", title: "Does not fit", detail: "os: does not fit", hint: "look", faults };
  const { client } = await serve(t, { "POST machines": { status: 422, body } });
  await assert.rejects(client.send("POST", "machines", {}), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual(
      [error.status, error.problem, error.message, error.hint],
      [422, "invalid", "os: does not fit", "look"],
    );
    assert.deepEqual(error.faults, faults);
    return true;
  });
});

test("an answer that is no problem document is told by its status", async (t) => {
  const { client } = await serve(t, {
    "GET status": { status: 502, body: "<html>bad gateway", contentType: "text/html" },
  });
  await assert.rejects(client.get("status"), /the appliance answered 502/);
});

test("without an appliance the sentence says so and how to start it", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "muster-client-"));
  t.after(() => rm(directory, { recursive: true }));
  const socket = new ApiClient({ kind: "socket", path: path.join(directory, "muster.sock") }, never);
  await assert.rejects(socket.get("status"), (error) => {
    assert.ok(error instanceof UnreachableError);
    assert.match(error.message, /not running on this host: there is no .*muster\.sock/);
    assert.match(error.hint, /muster serve/);
    return true;
  });
  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const url = new ApiClient({ kind: "url", url: new URL(`http://127.0.0.1:${port}`) }, never);
  await assert.rejects(url.get("status"), /connection refused: the appliance is not running at/);
});

test("an unsigned answer over TLS, or none at all, is never taken for the appliance", async (t) => {
  const plain = new FakeApi({});
  t.after(() => plain.close());
  const url = new URL((await plain.listen()).replace("http:", "https:"));
  const client = new ApiClient({ kind: "url", url }, never);
  await assert.rejects(client.get("status"), UnreachableError);
});

test("a request ends with the user's interrupt", async (t) => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.after(() => silent.closeAllConnections());
  t.after(() => silent.close());
  const interruption = new AbortController();
  const url = new URL(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
  const answer = new ApiClient({ kind: "url", url }, interruption.signal).get("status");
  interruption.abort();
  await assert.rejects(answer, { name: "AbortError" });
});

test("an event stream is read message by message", async (t) => {
  const stream = 'retry: 2000\n\n: hello\n\nid: 7\ndata: {"a":1}\n\nid: 8\nevent: log\ndata: {"a":2}\n\n';
  const { client } = await serve(t, { "GET events": { body: stream, contentType: "text/event-stream" } });
  const messages = await collect(client.follow("events?follow=1"));
  assert.deepEqual(messages, [
    { id: "7", event: "message", data: '{"a":1}' },
    { id: "8", event: "log", data: '{"a":2}' },
  ]);
});
