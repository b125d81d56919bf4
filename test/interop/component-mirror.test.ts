/** Released files through the boot plane's mirror, fetched as the machines fetch them: by curl and checked by sha256sum. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { createComponentMirror } from "../../src/adapters/assets/component-mirror.ts";
import { createBlockCache } from "../../src/adapters/http/block-cache.ts";
import { createMirrorRoutes } from "../../src/adapters/http/mirror-routes.ts";
import { decodePath } from "../../src/adapters/http/url-path.ts";
import { componentFiles, FILE_UPSTREAMS } from "../../src/domain/components/component-files.ts";
import { kubernetesRelease } from "../../src/domain/components/kubernetes-release.ts";
import { ComponentBench, publish } from "../support/component-bench.ts";
import { FileServer } from "../support/file-server.ts";
import { execute, programPath } from "../support/netns.ts";

const RELEASE = kubernetesRelease("1.36.3")!;
const [KUBEADM, , , CNI] = componentFiles(RELEASE, {
  arch: "amd64",
  sources: { containerd: { from: "debian" } },
});
const skip = programPath("curl") === undefined ? "needs curl: not installed" : false;

describe("the mirror of released files", { skip }, () => {
  const directory = mkdtempSync(path.join(tmpdir(), "muster-interop-files-"));
  let upstream: FileServer;
  let bench: ComponentBench;
  let server: Server;
  let at: string;

  const serve = async (): Promise<void> => {
    const mirrors = new Map(
      FILE_UPSTREAMS.map((name) => [name, createComponentMirror({ upstream: name, store: bench.store })]),
    );
    const routes = createMirrorRoutes({
      mirrors,
      cache: createBlockCache({ maxBytes: 8 << 20 }),
      log: bench.log,
    });
    server = createServer((request, response) => {
      const file = decodePath(request.url ?? "") ?? "/";
      void routes({ request, response, path: file.replace(/^\/mirror\//, "") });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mirror`;
  };
  const curl = (...args: string[]) => execute("curl", ["-fsS", ...args]);
  const to = (name: string): string => path.join(directory, name);

  before(async () => {
    upstream = new FileServer();
    await upstream.start();
  });
  after(async () => {
    await upstream.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(async () => {
    upstream.files.clear();
    upstream.requests.length = 0;
    upstream.interference = undefined;
    bench = await ComponentBench.open(upstream);
    await serve();
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    bench.dispose();
  });

  test("a machine fetches a file and finds it to be what the appliance has recorded", async () => {
    const bytes = publish(upstream, KUBEADM!, randomBytes(300_000).toString("hex"));
    const url = `${at}/kubernetes/${KUBEADM!.path}`;
    const fetched = await curl("-o", to("kubeadm"), url);
    assert.equal(fetched.code, 0, fetched.stderr);
    const sha256 = bench.store.recorded(KUBEADM!)?.sha256 ?? "";
    assert.equal(sha256, createHash("sha256").update(bytes).digest("hex"));
    const checked = await execute("sha256sum", ["-c"], { input: `${sha256}  ${to("kubeadm")}\n` });
    assert.equal(checked.code, 0, checked.stderr);
    const before = upstream.requests.length;
    assert.equal((await curl("-o", to("again"), url)).code, 0);
    assert.equal(upstream.requests.length, before, "a second machine costs the upstream nothing");
  });

  test("a cut transfer is taken up where it ended, by the appliance and by the machine", async () => {
    const bytes = publish(upstream, CNI!, randomBytes(200_000).toString("hex"));
    let cuts = 1;
    upstream.interference = (request, response) => {
      if (!request.url?.endsWith(".tgz")) return false;
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const rest = bytes.subarray(from);
      const range = { "Content-Range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
      response.writeHead(from > 0 ? 206 : 200, { "Content-Length": rest.length, ...(from > 0 && range) });
      if (cuts-- > 0) response.write(rest.subarray(0, 50_000), () => response.destroy());
      else response.end(rest);
      return true;
    };
    const url = `${at}/github/${CNI!.path}`;
    assert.equal((await curl("-o", to("whole"), url)).code, 0);
    assert.ok(readFileSync(to("whole")).equals(bytes));
    writeFileSync(to("part"), bytes.subarray(0, 1000));
    assert.equal((await curl("-C", "-", "-o", to("part"), url)).code, 0);
    assert.ok(readFileSync(to("part")).equals(bytes));
  });

  test("many machines at once cause one download", async () => {
    publish(upstream, KUBEADM!, randomBytes(100_000).toString("hex"));
    const url = `${at}/kubernetes/${KUBEADM!.path}`;
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, index) => curl("-o", to(`many-${index}`), url)),
    );
    assert.ok(all.every(({ code }) => code === 0));
    assert.equal(upstream.requests.filter((request) => request === KUBEADM!.path).length, 1);
    assert.equal(upstream.requests.filter((request) => request === KUBEADM!.checksumPath).length, 1);
  });

  test("wrong bytes end in a failed transfer, and what is not a released file in a refusal", async () => {
    const bytes = publish(upstream, KUBEADM!, "x".repeat(5000));
    upstream.files.set(KUBEADM!.path, Buffer.from(bytes).fill("y"));
    assert.notEqual((await curl("-o", to("wrong"), `${at}/kubernetes/${KUBEADM!.path}`)).code, 0);
    const { stdout } = await execute("curl", [
      "-s",
      "-w",
      " %{http_code}",
      `${at}/kubernetes/release/stable.txt`,
    ]);
    assert.match(stdout, /neither a released file .* 404$/s);
  });
});
