import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { decodeTar } from "../../../../src/protocol/tar.ts";
import { NodePayloads } from "../../../../src/services/node/payload.ts";
import { aCluster, MemoryClusters } from "../../../support/clusters.ts";
import { shippedTemplates } from "../../../support/install-plans.ts";

const SHA256 = "ab".repeat(32);

function payloads(status: { kind: "ready" } | { kind: "missing"; reason: string } = { kind: "ready" }) {
  return new NodePayloads({
    clusters: new MemoryClusters([aCluster({ spec: { kubernetes: { version: "1.36.3" } } })]),
    pki: {
      ensure: () =>
        Promise.resolve({
          ca: { certificate: "CLUSTER CA\n", key: "THE KEY OF THE CA" },
          caHashes: [`sha256:${SHA256}`],
        }),
    },
    releases: { ensure: () => status, sha256Of: () => SHA256 },
    templates: shippedTemplates(),
    appliance: () => ({ address: "10.20.0.1", httpPort: 8080, httpsPort: 8443, caCertificate: "CA" }),
  });
}

async function filesOf(machine: string): Promise<ReadonlyMap<string, { mode: number; text: string }>> {
  const answer = await payloads().payloadFor(machine);
  assert.equal(answer.kind, "payload");
  return new Map(
    decodeTar(gunzipSync(answer.bytes)).map(({ path, mode, content }) => [
      path,
      { mode, text: Buffer.from(content).toString() },
    ]),
  );
}

test("DESIGN-5.10 a payload holds the scripts, the plan, and where each program comes from", async () => {
  const files = await filesOf("kube0");
  assert.equal(files.get("usr/local/lib/muster/node")?.mode, 0o755);
  assert.equal(files.get("usr/local/lib/muster/lib.sh")?.mode, 0o644);
  assert.match(files.get("etc/muster/node/settings")?.text ?? "", /^ROLES='control-plane'$/m);
  const [first] = (files.get("etc/muster/node/downloads")?.text ?? "").split("\n");
  assert.equal(
    first,
    `kubeadm|http://10.20.0.1:8080/mirror/kubernetes/release/v1.36.3/bin/linux/amd64/kubeadm|${SHA256}|program|/usr/local/bin/kubeadm`,
  );
  assert.ok(files.has("etc/muster/node/root/etc/containerd/config.toml"));
  assert.ok(files.has("etc/systemd/system/muster-node.service"));
});

test("DESIGN-5.7 no payload holds a key or a token", async () => {
  for (const machine of ["kube0", "work0"]) {
    for (const [path, { text }] of await filesOf(machine)) {
      assert.doesNotMatch(text, /THE KEY OF THE CA|PRIVATE KEY/, path);
      assert.doesNotMatch(text, /\b[a-z0-9]{6}\.[a-z0-9]{16}\b/, path);
    }
  }
});

test("S0-12 the same resources give the same bytes", async () => {
  const [one, two] = await Promise.all([payloads().payloadFor("work1"), payloads().payloadFor("work1")]);
  assert.deepEqual(one, two);
});

test("PAYLOAD a machine of no cluster gets none, and one whose programs are not here waits", async () => {
  assert.deepEqual(await payloads().payloadFor("stranger"), { kind: "none" });
  const answer = await payloads({ kind: "missing", reason: "the upstream answers 404" }).payloadFor("kube0");
  assert.equal(answer.kind, "waiting");
  assert.match(answer.reason, /lacks release files: the upstream answers 404/);
});
