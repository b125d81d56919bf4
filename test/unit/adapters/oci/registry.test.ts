import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { FakeRegistry } from "../../../support/fake-registry.ts";
import { ImageBench } from "../../../support/image-bench.ts";

const HOST = "registry.k8s.io";

describe("the image registry", () => {
  let upstream: FakeRegistry;
  let bench: ImageBench;
  const config = (more: object = {}) => ({
    images: { upstreams: { [HOST]: { url: upstream.url, ...more } } },
  });
  const get = (what: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${bench.url}/v2/${what}`, { redirect: "manual", ...init });
  const codeOf = async (response: Response): Promise<string | undefined> =>
    ((await response.json()) as { errors: { code: string }[] }).errors[0]?.code;

  beforeEach(async () => {
    upstream = new FakeRegistry();
    await upstream.start();
    bench = await ImageBench.open(config());
  });
  afterEach(async () => {
    await bench.dispose();
    await upstream.stop();
  });

  it("answers the version check", async () => {
    const answer = await get("");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("docker-distribution-api-version"), "registry/2.0");
  });

  it("gives index, manifest and blobs as the upstream has them, by host prefix and by ?ns=", async () => {
    const image = upstream.push("coredns/coredns", "v1.14.2");
    const byTag = await get(`coredns/coredns/manifests/v1.14.2?ns=${HOST}`);
    assert.equal(byTag.status, 200);
    assert.equal(byTag.headers.get("docker-content-digest"), image.index);
    assert.equal(byTag.headers.get("content-type"), "application/vnd.oci.image.index.v1+json");
    assert.ok(Buffer.from(await byTag.arrayBuffer()).equals(upstream.content.get(image.index)!.bytes));
    const digest = image.manifests.get("linux/arm64")!;
    const manifest = await get(`${HOST}/coredns/coredns/manifests/${digest}`);
    assert.equal(manifest.headers.get("content-type"), "application/vnd.oci.image.manifest.v1+json");
    assert.equal(manifest.headers.get("docker-content-digest"), digest);
    await manifest.arrayBuffer();
    const blob = await get(`${HOST}/coredns/coredns/blobs/${image.layer}`);
    assert.equal(await blob.text(), "layer");
    assert.equal(blob.headers.get("docker-content-digest"), image.layer);
  });

  it("asks the upstream nothing a second time, also after a restart", async () => {
    const { layer } = upstream.push("pause", "3.10.2");
    const pull = async (): Promise<void> => {
      await (await get(`${HOST}/pause/manifests/3.10.2`)).arrayBuffer();
      await (await get(`${HOST}/pause/blobs/${layer}`)).arrayBuffer();
    };
    await pull();
    const asked = upstream.requests.length;
    await pull();
    await bench.reopen(config());
    await pull();
    assert.equal(upstream.requests.length, asked, upstream.requests.join("\n"));
  });

  it("asks once for what fifty machines want at the same time", async () => {
    const { layer } = upstream.push("pause", "3.10.2", "x".repeat(500_000));
    const all = (what: string): Promise<Buffer[]> =>
      Promise.all(Array.from({ length: 50 }, async () => Buffer.from(await (await get(what)).arrayBuffer())));
    await all(`${HOST}/pause/manifests/3.10.2`);
    const blobs = await all(`${HOST}/pause/blobs/${layer}`);
    assert.ok(blobs.every((blob) => blob.length === 500_000));
    assert.equal(upstream.requests.length, 2, upstream.requests.join("\n"));
  });

  it("asks again what a tag means once its time is over, and follows it", async () => {
    const first = upstream.push("app", "v1", "one");
    const ask = async (): Promise<string | null> => {
      const answer = await get(`${HOST}/app/manifests/v1`);
      await answer.arrayBuffer();
      return answer.headers.get("docker-content-digest");
    };
    assert.equal(await ask(), first.index);
    const second = upstream.push("app", "v1", "two");
    assert.equal(await ask(), first.index, "believed while it is fresh");
    bench.clock.advance(3_601_000);
    assert.equal(await ask(), second.index);
    upstream.requests.length = 0;
    bench.clock.advance(3_601_000);
    assert.equal(await ask(), second.index);
    assert.deepEqual(upstream.requests, ["HEAD /v2/app/manifests/v1"], "an unchanged tag costs no manifest");
  });

  it("serves what it has while the upstream is away", async () => {
    const { index, layer } = upstream.push("app", "v1");
    await bench.images.pull({ image: `${HOST}/app:v1`, platform: "linux/amd64" });
    bench.clock.advance(86_400_000);
    upstream.failing = 503;
    assert.equal((await get(`${HOST}/app/manifests/v1`)).headers.get("docker-content-digest"), index);
    await upstream.stop();
    assert.equal((await get(`${HOST}/app/manifests/v1`)).status, 200);
    assert.equal(await (await get(`${HOST}/app/blobs/${layer}`)).text(), "layer");
    const missing = await get(`${HOST}/app/manifests/v2`);
    assert.equal(missing.status, 502);
    assert.equal(await codeOf(missing), "UNAVAILABLE");
  });

  it("cuts the connection and keeps nothing when a blob is not what its digest says", async () => {
    const { layer } = upstream.push("app", "v1");
    upstream.content.set(layer, { type: "application/octet-stream", bytes: Buffer.from("evil!") });
    await assert.rejects(async () => (await get(`${HOST}/app/blobs/${layer}`)).arrayBuffer());
    assert.equal(await bench.store.holds(layer as `sha256:${string}`), false);
    assert.deepEqual(bench.events.types, ["mirror-mismatch"]);
    upstream.push("app", "v1");
    assert.equal(await (await get(`${HOST}/app/blobs/${layer}`)).text(), "layer");
  });

  it("refuses a manifest that is not what its digest says", async () => {
    const { manifests } = upstream.push("app", "v1");
    const digest = manifests.get("linux/amd64")!;
    const other = upstream.content.get(manifests.get("linux/arm64")!)!;
    upstream.content.set(digest, other);
    const answer = await get(`${HOST}/app/manifests/${digest}`);
    assert.equal(answer.status, 502);
    await answer.arrayBuffer();
    assert.equal(bench.events.ofType("mirror-mismatch")[0]?.level, "alarm");
  });

  it("serves ranges of a blob, and its size to HEAD without fetching it", async () => {
    const { layer } = upstream.push("app", "v1", "0123456789");
    const head = await get(`${HOST}/app/blobs/${layer}`, { method: "HEAD" });
    assert.equal(head.headers.get("content-length"), "10");
    assert.deepEqual(upstream.requests, [`HEAD /v2/app/blobs/${layer}`]);
    const part = await get(`${HOST}/app/blobs/${layer}`, { headers: { Range: "bytes=2-4" } });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get("content-range"), "bytes 2-4/10");
    assert.equal(await part.text(), "234");
    const rest = await get(`${HOST}/app/blobs/${layer}`, { headers: { Range: "bytes=7-" } });
    assert.equal(await rest.text(), "789");
  });

  it("gets a token for each repository and uses it until it ends", async () => {
    upstream.tokens = { username: "", password: "", seconds: 60 };
    const { layer } = upstream.push("app", "v1");
    upstream.push("other", "v1");
    const tokens = (): number => upstream.requests.filter((request) => request.endsWith("/token")).length;
    assert.equal((await get(`${HOST}/app/manifests/v1`)).status, 200);
    assert.equal(await (await get(`${HOST}/app/blobs/${layer}`)).text(), "layer");
    assert.equal(tokens(), 1);
    assert.equal((await get(`${HOST}/other/manifests/v1`)).status, 200);
    assert.equal(tokens(), 2);
    bench.clock.advance(61_000);
    upstream.push("app", "v2");
    assert.equal((await get(`${HOST}/app/manifests/v2`)).status, 200);
    assert.equal(tokens(), 3);
  });

  it("shows its credentials to the token server and to registries that ask for them", async () => {
    upstream.tokens = { username: "reader", password: "secret" };
    upstream.push("private", "v1");
    const anonymous = await get(`${HOST}/private/manifests/v1`);
    assert.equal(anonymous.status, 502);
    assert.match(await anonymous.text(), /images\.upstreams/);
    await bench.reopen(config({ username: "reader", password: "secret" }));
    assert.equal((await get(`${HOST}/private/manifests/v1`)).status, 200);
    upstream.tokens = undefined;
    upstream.basic = { username: "reader", password: "secret" };
    upstream.push("private", "v2");
    assert.equal((await get(`${HOST}/private/manifests/v2`)).status, 200);
  });

  it("says in the registry's words what is not there", async () => {
    upstream.push("app", "v1");
    const cases: readonly (readonly [string, number, string])[] = [
      [`${HOST}/app/manifests/v9`, 404, "MANIFEST_UNKNOWN"],
      [`${HOST}/app/blobs/sha256:${"0".repeat(64)}`, 404, "BLOB_UNKNOWN"],
      ["example.org/app/manifests/v1", 404, "MANIFEST_UNKNOWN"],
      ["app/manifests/v1", 400, "NAME_INVALID"],
      [`${HOST}/App/manifests/v1`, 400, "NAME_INVALID"],
      [`${HOST}/app/blobs/latest`, 400, "DIGEST_INVALID"],
      [`${HOST}/app/manifests/-x`, 400, "TAG_INVALID"],
      [`${HOST}/app/tags/list`, 404, "UNSUPPORTED"],
    ];
    for (const [what, status, code] of cases) {
      const answer = await get(what);
      assert.equal(answer.status, status, what);
      assert.equal(await codeOf(answer), code, what);
    }
    const written = await get(`${HOST}/app/blobs/uploads/`, { method: "POST" });
    assert.equal(written.status, 405);
    assert.equal(await codeOf(written), "UNSUPPORTED");
  });

  it("turns strangers away and tells clients how to log in", async () => {
    bench.access = () => Promise.resolve({ kind: "refused", status: 401, reason: "who are you?" });
    const answer = await get("");
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("www-authenticate"), 'Basic realm="muster"');
    assert.equal(await codeOf(answer), "UNAUTHORIZED");
  });

  it("pulls whole images of one platform ahead of time", async () => {
    const image = upstream.push("pause", "3.10.2");
    const wanted = { image: `${HOST}/pause:3.10.2`, platform: "linux/arm64" };
    assert.equal(await bench.images.complete(wanted), false);
    await bench.images.pull(wanted);
    assert.equal(await bench.images.complete(wanted), true);
    assert.equal(await bench.images.complete({ ...wanted, platform: "linux/amd64" }), false);
    assert.ok(!upstream.requests.includes(`GET /v2/pause/manifests/${image.manifests.get("linux/amd64")!}`));
    assert.equal(bench.images.digestOf(wanted.image), image.index);
    assert.deepEqual(
      bench.images.list().map((kept) => kept.image),
      [wanted.image],
    );
    await assert.rejects(
      bench.images.pull({ ...wanted, platform: "linux/riscv64" }),
      /only for linux\/amd64, linux\/arm64/,
    );
  });

  it("never asks anybody when the appliance is offline", async () => {
    upstream.push("app", "v1");
    await bench.reopen({ ...config(), assets: { offline: true } });
    assert.equal((await get(`${HOST}/app/manifests/v1`)).status, 502);
    assert.deepEqual(upstream.requests, []);
  });

  it("takes a damaged tag record for an absent one", async () => {
    upstream.push("app", "v1");
    await (await get(`${HOST}/app/manifests/v1`)).arrayBuffer();
    const directory = path.join(bench.directory, "tags");
    for (const name of readdirSync(directory)) writeFileSync(path.join(directory, name), "{");
    await bench.reopen(config());
    assert.equal((await get(`${HOST}/app/manifests/v1`)).status, 200);
  });
});
