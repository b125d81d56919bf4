import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { createComponentMirror } from "../../../../src/adapters/assets/component-mirror.ts";
import { openDigestLock } from "../../../../src/adapters/assets/digest-lock.ts";
import { componentFiles } from "../../../../src/domain/components/component-files.ts";
import { kubernetesRelease } from "../../../../src/domain/components/kubernetes-release.ts";
import { createReleases } from "../../../../src/services/assets/keep-releases.ts";
import { wholeRelease } from "../../../../src/services/assets/release-needs.ts";
import { ComponentBench, publish } from "../../../support/component-bench.ts";
import { FileServer } from "../../../support/file-server.ts";

const RELEASE = kubernetesRelease("1.36.3")!;
const FILES = componentFiles(RELEASE, {
  arch: "amd64",
  sources: { containerd: { from: "release" }, etcd: true },
});
const KUBEADM = FILES.find(({ name }) => name === "kubeadm")!;
const KUBELET = FILES.find(({ name }) => name === "kubelet")!;
const RUNC = FILES.find(({ component }) => component === "runc")!;
const MANIFEST = {
  component: "flannel",
  version: "0.28.9",
  name: "kube-flannel.yml",
  upstream: "github",
  path: "flannel-io/flannel/releases/download/v0.28.9/kube-flannel.yml",
} as const;

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("the store of released files", () => {
  let upstream: FileServer;
  let bench: ComponentBench;

  beforeEach(async () => {
    upstream = new FileServer();
    await upstream.start();
    bench = await ComponentBench.open(upstream);
  });
  afterEach(async () => {
    bench.dispose();
    await upstream.stop();
  });

  const emptyCache = (): void =>
    rmSync(path.join(bench.directory, "components"), { recursive: true, force: true });

  it("keeps a file that fits its published checksum, and records what it was", async () => {
    for (const file of [KUBEADM, RUNC]) {
      const bytes = publish(upstream, file);
      assert.equal(bench.store.recorded(file), undefined);
      assert.ok(readFileSync(await bench.store.obtain(file)).equals(bytes));
      assert.equal(bench.store.recorded(file)?.sha256, sha256(bytes));
    }
    const text = readFileSync(path.join(bench.directory, "components.lock.json"), "utf8");
    assert.match(text, /"kubernetes\/release\/v1\.36\.3\/bin\/linux\/amd64\/kubeadm"/);
  });

  it("asks the upstream nothing again, also after a restart", async () => {
    publish(upstream, KUBEADM);
    await bench.store.obtain(KUBEADM);
    upstream.requests.length = 0;
    await bench.store.obtain(KUBEADM);
    await bench.reopen(upstream);
    await bench.store.obtain(KUBEADM);
    assert.ok(await bench.store.held(KUBEADM));
    assert.deepEqual(upstream.requests, []);
  });

  it("keeps nothing of a file that does not fit its checksum", async () => {
    publish(upstream, KUBEADM);
    upstream.files.set(KUBEADM.path, Buffer.from(`BYTES of ${KUBEADM.path}`));
    await assert.rejects(bench.store.obtain(KUBEADM), { code: "not-verified" });
    assert.equal(bench.store.recorded(KUBEADM), undefined);
    assert.equal(bench.events.ofType("mirror-mismatch").length, 1);
  });

  it("refuses a file whose checksum the upstream does not publish", async () => {
    publish(upstream, RUNC);
    upstream.files.set(RUNC.checksumPath, Buffer.from(`${"a".repeat(64)}  runc.arm64\n`));
    await assert.rejects(bench.store.obtain(RUNC), /has no SHA-256 of runc\.amd64/);
  });

  it("S0-11 refuses a released version that changed later, loudly", async () => {
    const first = publish(upstream, KUBEADM);
    await bench.store.obtain(KUBEADM);
    publish(upstream, KUBEADM, "rebuilt under the same version!!");
    await assert.rejects(bench.store.compare(KUBEADM), (error: Error) => {
      assert.match(error.message, /must not change/);
      assert.match(error.message, new RegExp(sha256(first)));
      assert.match(error.message, /components\.lock\.json/);
      return true;
    });
    emptyCache();
    await assert.rejects(bench.store.obtain(KUBEADM), { code: "not-verified" });
    assert.ok(bench.events.ofType("mirror-mismatch").every(({ level }) => level === "alarm"));
    assert.ok(bench.events.ofType("mirror-mismatch").length >= 2);
    assert.equal(bench.store.recorded(KUBEADM)?.sha256, sha256(first));
  });

  it("compares with the upstream only when it answers", async () => {
    publish(upstream, KUBEADM);
    await bench.store.obtain(KUBEADM);
    upstream.interference = (_request, response) => {
      response.writeHead(503).end();
      return true;
    };
    await bench.store.compare(KUBEADM);
  });

  it("asks again on a new connection when the kept one was closed meanwhile", async () => {
    publish(upstream, KUBEADM);
    publish(upstream, KUBELET);
    await bench.store.obtain(KUBEADM);
    // The server closes as soon as the next request has arrived, as one does whose patience ended that moment.
    let closed = false;
    upstream.interference = (request) => {
      if (closed) return false;
      closed = true;
      request.socket.resetAndDestroy();
      return true;
    };
    assert.ok(await bench.store.obtain(KUBELET));
    assert.ok(closed);
  });

  it("holds a manifest without a published checksum to what was seen first", async () => {
    upstream.files.set(MANIFEST.path, Buffer.from("kind: Namespace\n"));
    await bench.store.obtain(MANIFEST);
    emptyCache();
    upstream.files.set(MANIFEST.path, Buffer.from("kind: Nothing\nx\n"));
    await assert.rejects(bench.store.obtain(MANIFEST), { code: "not-verified" });
    upstream.files.set(MANIFEST.path, Buffer.from("kind: Namespace\n"));
    assert.ok(await bench.store.obtain(MANIFEST));
  });

  it("serves released and recorded files to the boot network, and nothing else", async () => {
    publish(upstream, KUBEADM);
    upstream.files.set(MANIFEST.path, Buffer.from("kind: Namespace\n"));
    const kubernetes = createComponentMirror({ upstream: "kubernetes", store: bench.store });
    const github = createComponentMirror({ upstream: "github", store: bench.store });
    assert.equal((await kubernetes.open(KUBEADM.path, {})).kind, "filling");
    await assert.rejects(kubernetes.open("release/stable.txt", {}), { code: "not-found" });
    await assert.rejects(github.open(MANIFEST.path, {}), { code: "not-found" });
    assert.ok(!upstream.requests.includes(MANIFEST.path));
    await bench.store.obtain(MANIFEST);
    assert.equal((await github.open(MANIFEST.path, {})).kind, "stored");
  });

  it("says what to do about a damaged lock file", async () => {
    const file = path.join(bench.directory, "components.lock.json");
    writeFileSync(file, "{");
    await assert.rejects(openDigestLock(file), /is damaged: put the last good copy/);
  });

  it("finds and drops objects that changed on disk", async () => {
    publish(upstream, KUBEADM);
    const file = await bench.store.obtain(KUBEADM);
    assert.deepEqual(await bench.cache.verify(), []);
    writeFileSync(file, readFileSync(file).fill(0, 0, 1));
    assert.deepEqual(await bench.cache.verify(), [bench.store.recorded(KUBEADM)?.sha256]);
    assert.equal(await bench.store.held(KUBEADM), undefined);
  });
});

describe("releases", () => {
  let upstream: FileServer;
  let bench: ComponentBench;
  const need = { ...wholeRelease(RELEASE, "amd64"), images: ["registry.k8s.io/pause:3.10.2"] };
  let pulled: string[];

  const open = () => {
    const images = {
      complete: ({ image }: { image: string }) => Promise.resolve(pulled.includes(image)),
      pull: ({ image }: { image: string }) => Promise.resolve(void pulled.push(image)),
    };
    const { store: files, clock, log, events } = bench;
    return createReleases({ files, images, clock, log, events });
  };
  const settle = async (ready: () => boolean): Promise<void> => {
    for (let tries = 0; tries < 500 && !ready(); tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
  };

  beforeEach(async () => {
    pulled = [];
    upstream = new FileServer();
    await upstream.start();
    bench = await ComponentBench.open(upstream);
    for (const file of need.files) publish(upstream, file);
  });
  afterEach(async () => {
    bench.dispose();
    await upstream.stop();
  });

  it("are pulled in the background, and then known with every checksum", async () => {
    const releases = open();
    assert.equal(releases.status(need).kind, "missing");
    assert.equal(releases.ensure(need).kind, "pulling");
    await settle(() => releases.status(need).kind === "ready");
    assert.deepEqual(releases.status(need), { kind: "ready" });
    assert.deepEqual(pulled, need.images);
    for (const file of need.files) assert.match(releases.sha256Of(file) ?? "", /^[0-9a-f]{64}$/);
    assert.deepEqual(bench.events.types, ["assets-pulled"]);
  });

  it("say why they are missing and try again after a while", async () => {
    const bytes = upstream.files.get(KUBEADM.path)!;
    upstream.files.delete(KUBEADM.path);
    const releases = open();
    releases.ensure(need);
    await settle(() => releases.status(need).kind === "missing");
    const status = releases.status(need);
    assert.match(status.kind === "missing" ? status.reason : "", /does not have release\/v1\.36\.3/);
    upstream.files.set(KUBEADM.path, bytes);
    assert.equal(releases.ensure(need).kind, "missing", "not asked again at once");
    bench.clock.advance(16_000);
    releases.ensure(need);
    await settle(() => releases.status(need).kind === "ready");
    assert.equal(releases.status(need).kind, "ready");
  });

  it("are looked for anew when a need of the same name asks for something else", async () => {
    const releases = open();
    await releases.pull(need);
    assert.equal(releases.status(need).kind, "ready");
    assert.equal(releases.status({ ...need, images: ["registry.k8s.io/pause:3.10.1"] }).kind, "missing");
  });

  it("are compared with what the upstream publishes when somebody pulls them", async () => {
    const releases = open();
    await releases.pull(need);
    publish(upstream, KUBEADM, "another build");
    await assert.rejects(releases.pull(need), { code: "not-verified" });
  });

  it("leave nothing behind in parts", async () => {
    const releases = open();
    await releases.pull(need);
    const names = readdirSync(path.join(bench.directory, "components"), { recursive: true }).map(String);
    assert.deepEqual(
      names.filter((name) => /partial.|\.part$/.test(name)),
      [],
    );
  });
});
