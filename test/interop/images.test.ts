/** The image registry between programs of others: Debian's docker-registry behind it, skopeo and containerd before it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { writeImage } from "../support/kubernetes-images.ts";
import {
  createNamespace,
  type Daemon,
  type Namespace,
  needsPrograms,
  needsRoot,
  programPath,
} from "../support/netns.ts";

const HOST = "registry.k8s.io";
const UPSTREAM = "127.0.0.1:5000";
const APPLIANCE = "127.0.0.1:8443";
const PROGRAM = path.join(import.meta.dirname, "../support/programs/image-appliance.ts");
const PROGRAMS = ["docker-registry", "skopeo", "containerd", "ctr", "curl"];
const MISSING = PROGRAMS.filter((program) => programPath(program) === undefined);
const REASON = MISSING.length > 0 ? `needs ${MISSING.join(", ")}: not installed` : false;

const REGISTRY = `version: "0.1"
log: { level: warn, accesslog: { disabled: false } }
storage: { filesystem: { rootdirectory: STORAGE }, maintenance: { readonly: { enabled: true } } }
http: { addr: "${UPSTREAM}" }
`;

describe("the image registry among other programs", {
  skip: process.getuid?.() === 0 ? REASON : "needs root",
}, () => {
  const directory = mkdtempSync(path.join(tmpdir(), "muster-interop-images-"));
  const storage = path.join(directory, "storage");
  const at = (...names: string[]): string => path.join(directory, ...names);
  let namespace: Namespace;
  let registry: Daemon;
  let appliance: Daemon;
  let containerd: Daemon;

  const startRegistry = async (more = "", environment: Record<string, string> = {}): Promise<void> => {
    writeFileSync(at("registry.yaml"), REGISTRY.replace("STORAGE", storage) + more);
    registry = namespace.spawn("docker-registry", ["serve", at("registry.yaml")], { env: environment });
    for (let tries = 0; tries < 100; tries += 1) {
      const { stdout } = await namespace.run("curl", [
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        `http://${UPSTREAM}/v2/`,
      ]);
      if (stdout === "200" || stdout === "401") return;
      await delay(100);
    }
    throw new Error(`docker-registry does not serve:\n${registry.output()}`);
  };
  const startAppliance = async (upstream: object = {}): Promise<void> => {
    const images = { upstreams: { [HOST]: { url: `http://${UPSTREAM}`, ...upstream } } };
    appliance = namespace.spawnNode(PROGRAM, [at("appliance"), "8443", JSON.stringify({ images })]);
    await appliance.waitFor(/^serving/m, 30_000);
  };
  const upstreamRequests = (): number =>
    [...registry.output().matchAll(/"(?:GET|HEAD) \/v2\/[^ "]+/g)].length;
  const token = (): string => readFileSync(at("appliance/token"), "utf8");
  const copy = (image: string, to: string, credentials = `x:${token()}`) => {
    const trust = ["--src-cert-dir", at("trust"), "--src-creds", credentials];
    const policy = ["--insecure-policy", "--override-arch", "amd64"];
    return namespace.run("skopeo", [
      "copy",
      ...policy,
      ...trust,
      `docker://${APPLIANCE}/${HOST}/${image}`,
      `dir:${to}`,
    ]);
  };
  const curl = (target: string, ...args: string[]) =>
    namespace.run("curl", [
      "-s",
      "--cacert",
      at("appliance/ca.crt"),
      ...args,
      `https://${APPLIANCE}/v2/${target}`,
    ]);
  const fetchByContainerd = (image: string, hosts: string) =>
    namespace.run("ctr", ["-a", at("containerd.sock"), "content", "fetch", "--hosts-dir", at(hosts), image], {
      timeout: 60_000,
    });

  before(async () => {
    mkdirSync(storage, { recursive: true });
    for (const [name, text] of [
      ["app", "one"],
      ["second", "two"],
      ["third", "three"],
      ["private", "four"],
    ] as const) {
      writeFileSync(at(name), text.repeat(100_000));
      await writeImage(storage, { name: `${name}:v1`, entrypoint: ["/app"], files: { "/app": at(name) } });
    }
    namespace = await createNamespace("img");
    await startRegistry();
    await startAppliance();
    mkdirSync(at("trust"));
    writeFileSync(at("trust/ca.crt"), readFileSync(at("appliance/ca.crt")));
    for (const [hosts, name] of [
      ["hosts", "node"],
      ["strangers", "stranger"],
    ] as const) {
      mkdirSync(at(hosts, HOST), { recursive: true });
      const client = `client = [["${at("appliance", `${name}.crt`)}", "${at("appliance", `${name}.key`)}"]]`;
      const lines = [
        `[host."https://${APPLIANCE}"]`,
        'capabilities = ["pull", "resolve"]',
        `ca = "${at("appliance/ca.crt")}"`,
        client,
      ];
      writeFileSync(at(hosts, HOST, "hosts.toml"), `server = "https://127.0.0.1:1"\n${lines.join("\n")}\n`);
    }
    writeFileSync(at("containerd.toml"), containerdConfig(directory));
    containerd = namespace.spawn("containerd", ["--config", at("containerd.toml")]);
    await containerd.waitFor(/containerd successfully booted/, 30_000);
  });
  after(async () => {
    await namespace.delete();
    rmSync(directory, { recursive: true, force: true });
  });

  test("skopeo copies an image with a token as its password, every blob as its digest says", async () => {
    const copied = await copy("app:v1", at("copied"));
    assert.equal(copied.code, 0, copied.stderr);
    const blobs = readdirSync(at("copied")).filter((name) => /^[0-9a-f]{64}$/.test(name));
    assert.equal(blobs.length, 2);
    for (const name of blobs) {
      assert.equal(
        createHash("sha256")
          .update(readFileSync(at("copied", name)))
          .digest("hex"),
        name,
      );
    }
  });

  test("a second copy costs the upstream nothing", async () => {
    const before = upstreamRequests();
    assert.ok(before > 0);
    assert.equal((await copy("app:v1", at("again"))).code, 0);
    assert.equal(upstreamRequests(), before);
  });

  test("S4-24 containerd pulls with the machine's certificate, through hosts.toml and the appliance's CA", async () => {
    const pulled = await fetchByContainerd(`${HOST}/second:v1`, "hosts");
    assert.equal(pulled.code, 0, pulled.stderr + pulled.stdout);
    const before = upstreamRequests();
    assert.equal((await copy("second:v1", at("second-copy"))).code, 0);
    assert.equal(upstreamRequests(), before);
  });

  test("a stranger gets no image: without credentials, with a wrong token, with another machine's certificate", async () => {
    assert.equal((await curl("", "-o", "/dev/null", "-w", "%{http_code}")).stdout, "401");
    const wrong = await copy(
      "app:v1",
      at("wrong"),
      "x:muster_0000000000000000_0000000000000000000000000000000000000000000",
    );
    assert.notEqual(wrong.code, 0);
    const refused = await fetchByContainerd(`${HOST}/third:v1`, "strangers");
    assert.notEqual(refused.code, 0);
  });

  test("ranges of a blob are served as curl asks for them", async () => {
    const layer = readdirSync(at("copied")).find((name) => /^[0-9a-f]{64}$/.test(name)) ?? "";
    const whole = readFileSync(at("copied", layer));
    const certificate = ["--cert", at("appliance/node.crt"), "--key", at("appliance/node.key")];
    const part = await curl(
      `${HOST}/app/blobs/sha256:${layer}`,
      ...certificate,
      "-r",
      "10-19",
      "-o",
      at("part"),
    );
    assert.equal(part.code, 0, part.stderr);
    assert.ok(readFileSync(at("part")).equals(whole.subarray(10, 20)));
  });

  test("wrong bytes in the upstream's storage never reach a machine", async () => {
    for (const blob of blobFiles(storage, "third")) writeFileSync(blob, readFileSync(blob).fill(0, 0, 8));
    const copied = await copy("third:v1", at("third-copy"));
    assert.notEqual(copied.code, 0);
    assert.deepEqual(
      kept(at("appliance/images")).filter((file) => sha256(file) !== path.basename(file)),
      [],
    );
  });

  test("while the upstream is gone, what was pulled once is served still, stale tags included", async () => {
    await registry.stop();
    appliance.child.kill("SIGUSR2");
    await delay(200);
    const copied = await copy("app:v1", at("offline"));
    assert.equal(copied.code, 0, copied.stderr);
    assert.equal((await fetchByContainerd(`${HOST}/app:v1`, "hosts")).code, 0);
    assert.notEqual((await copy("private:v1", at("never"))).code, 0);
  });

  test("an upstream with a login is asked with the configured credentials", async (t) => {
    if (needsPrograms(t, "htpasswd") || needsRoot(t)) return;
    const file = await namespace.must("htpasswd", "-nbB", "reader", "secret");
    writeFileSync(at("htpasswd"), file);
    await startRegistry(`auth: { htpasswd: { realm: test, path: "${at("htpasswd")}" } }\n`);
    const closed = await copy("private:v1", at("closed"));
    assert.notEqual(closed.code, 0);
    assert.match(closed.stderr, /images\.upstreams|bad gateway|502/i);
    await appliance.stop();
    await startAppliance({ username: "reader", password: "secret" });
    writeFileSync(at("trust/ca.crt"), readFileSync(at("appliance/ca.crt")));
    const open = await copy("private:v1", at("open"));
    assert.equal(open.code, 0, open.stderr);
  });

  function kept(root: string): readonly string[] {
    const entries = readdirSync(path.join(root, "objects"), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  }
});

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** The layers of one image in the storage of docker-registry; its small documents stay as they are. */
function blobFiles(storage: string, name: string): readonly string[] {
  const links = path.join(storage, "docker/registry/v2/repositories", name, "_layers/sha256");
  return readdirSync(links)
    .map((digest) =>
      path.join(storage, "docker/registry/v2/blobs/sha256", digest.slice(0, 2), digest, "data"),
    )
    .filter((file) => readFileSync(file)[0] === 0x1f);
}

function containerdConfig(directory: string): string {
  return `version = 2
root = "${directory}/containerd"
state = "${directory}/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "${directory}/containerd.sock"
[debug]
level = "info"
`;
}
