import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { createObjectCache } from "../../../../src/adapters/assets/object-cache.ts";
import { createAbsentUpstream, createUpstream } from "../../../../src/adapters/assets/upstream.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { KeptLog } from "../../../support/kept-log.ts";

const content = (name: string): Buffer => Buffer.from(name.repeat(100));
const wantedOf = (name: string) => ({
  sha256: createHash("sha256").update(content(name)).digest("hex"),
  bytes: content(name).length,
});

async function open(t: TestContext, answer: RequestListener, maxBytes = 1_000_000) {
  const directory = mkdtempSync(path.join(tmpdir(), "muster-objects-"));
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const upstream = createUpstream({ url: `http://127.0.0.1:${port}/debian/`, timeoutMs: 300 });
  t.after(() => {
    upstream.close();
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const clock = new FakeClock(Date.now());
  return {
    directory,
    upstream,
    clock,
    cache: createObjectCache({ directory, maxBytes, clock, log: new KeptLog() }),
  };
}

const named: RequestListener = (request, response) =>
  response.end(content((request.url ?? "").slice("/debian/".length)));

test("an object is fetched once for all who ask at the same time, and found afterwards", async (t) => {
  let requests = 0;
  const { cache, upstream } = await open(t, (request, response) => {
    requests += 1;
    named(request, response);
  });
  const ask = () => cache.obtain({ upstream, paths: ["one"], wanted: wantedOf("one") });
  const files = await Promise.all([ask(), ask(), ask()]);
  assert.equal(new Set(files).size, 1);
  assert.deepEqual(readFileSync(files[0]), content("one"));
  assert.equal(requests, 1);
  assert.equal(await cache.find(wantedOf("one")), files[0]);
  assert.equal(
    await cache.find({ ...wantedOf("one"), bytes: 1 }),
    undefined,
    "another size is not the object",
  );
});

test("the next place is asked when one has nothing, and 404 everywhere is not-found", async (t) => {
  const { cache, upstream } = await open(t, (request, response) => {
    if (request.url === "/debian/two") named(request, response);
    else response.writeHead(404).end();
  });
  await cache.obtain({ upstream, paths: ["nowhere", "two"], wanted: wantedOf("two") });
  await assert.rejects(cache.obtain({ upstream, paths: ["a", "b"], wanted: wantedOf("three") }), {
    code: "not-found",
  });
});

test("an archive that says nothing for long is given up, with its address", async (t) => {
  const { cache, upstream } = await open(t, () => undefined);
  await assert.rejects(cache.obtain({ upstream, paths: ["one"], wanted: wantedOf("one") }), {
    code: "upstream-failed",
    message: /cannot reach http:\/\/127\.0\.0\.1:\d+: no answer in time/,
  });
});

test("an archive that ignores ranges costs a download from the start", async (t) => {
  let requests = 0;
  const { cache, upstream } = await open(t, (_request, response) => {
    requests += 1;
    const bytes = content("one");
    if (requests > 1) response.end(bytes);
    else {
      response.writeHead(200, { "Content-Length": bytes.length });
      response.write(bytes.subarray(0, 50), () => setTimeout(() => response.destroy(), 50));
    }
  });
  const file = await cache.obtain({ upstream, paths: ["one"], wanted: wantedOf("one") });
  assert.deepEqual(readFileSync(file), content("one"));
});

test("above its size the cache drops what was used least recently", async (t) => {
  const { cache, upstream, clock } = await open(t, named, 1000);
  const fetched: string[] = [];
  for (const name of ["aaa", "bbb", "ccc"]) {
    fetched.push(await cache.obtain({ upstream, paths: [name], wanted: wantedOf(name) }));
  }
  const old = clock.now() / 1000 - 100_000;
  for (const [index, file] of fetched.entries()) utimesSync(file, old + index, old + index);
  assert.ok(await cache.find(wantedOf("aaa")), "used just now");
  await cache.obtain({ upstream, paths: ["ddd"], wanted: wantedOf("ddd") });
  const present: string[] = [];
  for (let turn = 0; turn < 100 && (await cache.totalBytes()) > 1000; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  for (const name of ["aaa", "bbb", "ccc", "ddd"]) if (await cache.find(wantedOf(name))) present.push(name);
  assert.deepEqual(present, ["aaa", "ccc", "ddd"]);
});

test("a path never leaves the archive's address, and an absent archive gives its reason", async (t) => {
  const seen: string[] = [];
  const { upstream } = await open(t, (request, response) => {
    seen.push(request.url ?? "");
    response.end();
  });
  for (const each of ["http://other.example/x", "//other.example/x", "a b?c#d", "x_1.0+deb13~1.deb"]) {
    (await upstream.get({ path: each })).resume();
  }
  assert.deepEqual(seen, [
    "/debian/http://other.example/x",
    "/debian///other.example/x",
    "/debian/a%20b%3Fc%23d",
    "/debian/x_1.0+deb13~1.deb",
  ]);
  await assert.rejects(createAbsentUpstream("offline").get({ path: "x" }), {
    code: "upstream-failed",
    message: "offline",
  });
});
