import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isBackedUp } from "../../../../src/adapters/backup/manifest.ts";
import type { ClusterView } from "../../../../src/domain/cluster/members.ts";
import { makeKubeconfig } from "../../../../src/services/cluster/kubeconfig.ts";
import { controlPlaneFiles, secretFilesOf } from "../../../../src/services/cluster/pki-files.ts";
import { describePki, rotatePki } from "../../../../src/services/cluster/pki-rotation.ts";
import { aClusterPki } from "../../../support/cluster-pki.ts";
import { aMember, aCluster as anyCluster, MemoryClusters } from "../../../support/clusters.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const DAY_MS = 86_400_000;
const directories: string[] = [];
after(async () => {
  for (const directory of directories) await rm(directory, { recursive: true });
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "muster-cluster-pki-"));
  directories.push(directory);
  return directory;
}

function openssl(args: readonly string[], input?: string): string {
  return execFileSync("openssl", args, {
    encoding: "utf8",
    stdio: ["pipe", "pipe", "pipe"],
    ...(input === undefined ? {} : { input }),
  });
}

/** RSA keys take a second each on a busy host; what they look like is shown once. */
function aCluster(fields: Parameters<typeof anyCluster>[0] = {}): ClusterView {
  const spec = { ...fields.spec, pki: { keyAlgorithm: "ECDSA-P256" as const, ...fields.spec?.pki } };
  return anyCluster({ ...fields, spec });
}

/** Today, so that openssl's own clock agrees. */
const today = (): FakeClock => new FakeClock(Math.floor(Date.now() / 1000) * 1000);

async function withFiles<T>(
  files: Readonly<Record<string, string>>,
  use: (at: (name: string) => string) => T,
): Promise<T> {
  const directory = await newDirectory();
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return use((name) => join(directory, name));
}

const externalEtcd = (): ClusterView =>
  aCluster({
    spec: { etcd: { topology: "external" } },
    members: [
      aMember("kube0", { roles: ["control-plane"], host: 10 }),
      aMember("etcd0", { roles: ["etcd"], host: 30 }),
      aMember("work0", { roles: ["worker"], host: 20 }),
    ],
  });

test("a cluster's authorities exist as soon as it is applied, back-dated by a day, and stay the same over a restart", async () => {
  const clock = today();
  const directory = await newDirectory();
  const clusters = new MemoryClusters();
  const first = await aClusterPki({ directory, clock, clusters });
  await first.pki.start();
  clusters.apply(aCluster());
  await first.pki.stop();
  assert.deepEqual(first.events.types, ["cluster-pki-made"]);
  const made = await first.pki.ensure(aCluster());
  const again = await aClusterPki({ directory, clock, store: first.store });
  assert.deepEqual(await again.pki.ensure(aCluster()), made);
  assert.deepEqual(again.events.types, []);
  const ca = new X509Certificate(made.ca.certificate);
  assert.equal(Date.parse(ca.validFrom), clock.now() - DAY_MS);
  assert.equal(Date.parse(ca.validTo), clock.now() + 3650 * DAY_MS);
});

test("two that ask at once get the same authorities", async () => {
  const { pki } = await aClusterPki({ directory: await newDirectory(), clock: today() });
  const [one, other] = await Promise.all([pki.ensure(aCluster()), pki.ensure(aCluster())]);
  assert.equal(one.ca.certificate, other.ca.certificate);
  const another = await pki.ensure(aCluster({ name: "other" }));
  assert.notEqual(another.ca.certificate, one.ca.certificate);
});

test("openssl agrees: three different authorities that may sign, RSA-2048, with kubeadm's names", async () => {
  const { pki } = await aClusterPki({ directory: await newDirectory(), clock: today() });
  const { ca, frontProxyCa, etcdCa, serviceAccount } = await pki.ensure(anyCluster());
  const named = { kubernetes: ca, "front-proxy-ca": frontProxyCa, "etcd-ca": etcdCa };
  for (const [name, { certificate, key }] of Object.entries(named)) {
    const text = openssl(["x509", "-noout", "-text"], certificate);
    assert.match(text, new RegExp(`Subject: CN ?= ?${name}\n`));
    assert.match(text, /Public-Key: \(2048 bit\)/);
    assert.match(text, /Basic Constraints: critical\s+CA:TRUE/);
    assert.match(text, /Certificate Sign/);
    const modulus = openssl(["x509", "-noout", "-modulus"], certificate);
    assert.equal(openssl(["rsa", "-noout", "-modulus"], key), modulus);
  }
  assert.equal(new Set([ca, frontProxyCa, etcdCa].map(({ key }) => key)).size, 3);
  assert.equal(openssl(["rsa", "-pubout"], serviceAccount.privateKey), serviceAccount.publicKey);
});

test("the CA's pin is the hash of its public key as openssl computes it", async () => {
  const { pki } = await aClusterPki({ directory: await newDirectory(), clock: today() });
  const { ca, caHashes } = await pki.ensure(aCluster());
  const publicKey = openssl(["x509", "-noout", "-pubkey"], ca.certificate);
  const der = execFileSync("openssl", ["pkey", "-pubin", "-outform", "DER"], { input: publicKey });
  assert.deepEqual(caHashes, [`sha256:${createHash("sha256").update(der).digest("hex")}`]);
});

test("S0-11 nothing of a key can be read from the store, and another sealing key opens nothing", async () => {
  const clock = today();
  const { pki, store } = await aClusterPki({ directory: await newDirectory(), clock });
  const { ca } = await pki.ensure(aCluster());
  const stored = JSON.stringify(await store.settings.get("cluster-pki.lab"));
  assert.doesNotMatch(stored, /PRIVATE|CERTIFICATE/);
  assert.ok(!stored.includes(Buffer.from(ca.key).toString("base64").slice(0, 40)));
  const stranger = await aClusterPki({ directory: await newDirectory(), clock, store });
  await assert.rejects(stranger.pki.ensure(aCluster()), { code: "unavailable", message: /another key/ });
  // Nor may it seal anything new, which the key that comes back from a backup could not open.
  await assert.rejects(stranger.pki.ensure(aCluster({ name: "new" })), { code: "unavailable" });
});

test("a sealed record that was changed, or put under another cluster's name, is refused", async () => {
  const clock = today();
  const { pki, store } = await aClusterPki({ directory: await newDirectory(), clock });
  await pki.ensure(aCluster());
  await store.settings.put("cluster-pki.other", await store.settings.get("cluster-pki.lab"));
  await assert.rejects(pki.ensure(aCluster({ name: "other" })), { message: /is damaged/ });
});

test("the sealing key lies in a file that only its owner reads", async () => {
  const directory = await newDirectory();
  await aClusterPki({ directory, clock: today() });
  assert.equal((await stat(join(directory, "clusters.key"))).mode & 0o777, 0o600);
  assert.ok(isBackedUp("pki/clusters.key"), "a backup without it would restore certificates nobody can open");
});

test("a client certificate carries its user and groups, chains to the cluster CA and is for clients only", async () => {
  const clock = today();
  const { pki } = await aClusterPki({ directory: await newDirectory(), clock });
  const cluster = aCluster();
  const made = await pki.clientCertificate(cluster, {
    commonName: "jane",
    organisations: ["team-a", "team-b"],
    lifetimeMs: 8 * 3_600_000,
  });
  assert.equal(made.expiresAt, clock.now() + 8 * 3_600_000);
  const { ca, etcdCa } = await pki.ensure(cluster);
  await withFiles({ ca: ca.certificate, etcd: etcdCa.certificate, leaf: made.certificate }, (at) => {
    const verify = (purpose: string, authority: string): string =>
      openssl(["verify", "-x509_strict", "-purpose", purpose, "-CAfile", at(authority), at("leaf")]);
    assert.match(verify("sslclient", "ca"), /: OK/);
    assert.throws(() => verify("sslserver", "ca"));
    assert.throws(() => verify("sslclient", "etcd"));
    const subject = openssl(["x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in", at("leaf")]);
    assert.equal(subject.trim(), "subject=CN=jane,O=team-b,O=team-a");
  });
});

test("no leaf outlives the authority that signed it", async () => {
  const clock = today();
  const { pki } = await aClusterPki({ directory: await newDirectory(), clock });
  const cluster = aCluster({ spec: { pki: { caValidityDays: 30 } } });
  const made = await pki.clientCertificate(cluster, {
    commonName: "long",
    organisations: [],
    lifetimeMs: 365 * DAY_MS,
  });
  assert.equal(made.expiresAt, clock.now() + 30 * DAY_MS);
});

for (const keyAlgorithm of ["ECDSA-P256", "ECDSA-P384", "RSA-2048"] as const) {
  test(`authorities and leaves on ${keyAlgorithm} keys verify with openssl`, async () => {
    const { pki } = await aClusterPki({ directory: await newDirectory(), clock: today() });
    const cluster = aCluster({ spec: { pki: { keyAlgorithm } } });
    const leaf = await pki.clientCertificate(cluster, {
      commonName: "x",
      organisations: [],
      lifetimeMs: DAY_MS,
    });
    const { ca } = await pki.ensure(cluster);
    await withFiles({ ca: ca.certificate, leaf: leaf.certificate }, (at) => {
      assert.match(openssl(["verify", "-x509_strict", "-CAfile", at("ca"), at("leaf")]), /: OK/);
      openssl(["pkey", "-check", "-noout"], leaf.key);
    });
  });
}

test("S4-10 control planes get the shared set, workers nothing, and external etcd hosts no authority's key", async () => {
  const { pki } = await aClusterPki({ directory: await newDirectory(), clock: today() });
  const stacked = aCluster();
  const paths = (files: readonly { path: string }[]): string[] =>
    files.map(({ path }) => path.replace("/etc/kubernetes/pki/", "")).sort();
  assert.deepEqual(paths(await controlPlaneFiles(pki, stacked)), [
    "ca-signing.crt",
    "ca.crt",
    "ca.key",
    "etcd/ca.crt",
    "etcd/ca.key",
    "front-proxy-ca.crt",
    "front-proxy-ca.key",
    "sa.key",
    "sa.pub",
  ]);
  const cluster = externalEtcd();
  const filesOf = (index: number) => secretFilesOf(pki, { cluster, member: cluster.members[index]! });
  assert.deepEqual(paths(await filesOf(0)), [
    "apiserver-etcd-client.crt",
    "apiserver-etcd-client.key",
    "ca-signing.crt",
    "ca.crt",
    "ca.key",
    "etcd/ca.crt",
    "front-proxy-ca.crt",
    "front-proxy-ca.key",
    "sa.key",
    "sa.pub",
  ]);
  const etcd = await filesOf(1);
  assert.ok(etcd.every(({ path }) => !path.endsWith("ca.key")));
  assert.deepEqual(await filesOf(2), []);
  for (const { path, mode } of [...etcd, ...(await filesOf(0))]) {
    assert.equal(mode, path.endsWith(".key") ? 0o600 : 0o644, path);
  }
});

test("S4-12 an external etcd host's certificates serve and connect under its name, its address and localhost", async () => {
  const { pki } = await aClusterPki({ directory: await newDirectory(), clock: today() });
  const cluster = externalEtcd();
  const files = await secretFilesOf(pki, { cluster, member: cluster.members[1]! });
  const text = (name: string): string => files.find(({ path }) => path.endsWith(name))?.content ?? "";
  await withFiles(
    {
      ca: text("etcd/ca.crt"),
      server: text("etcd/server.crt"),
      peer: text("etcd/peer.crt"),
      client: text("etcd/healthcheck-client.crt"),
    },
    (at) => {
      for (const leaf of ["server", "peer"]) {
        for (const purpose of ["sslserver", "sslclient"]) {
          assert.match(
            openssl(["verify", "-x509_strict", "-purpose", purpose, "-CAfile", at("ca"), at(leaf)]),
            /OK/,
          );
        }
        for (const check of [
          ["-verify_ip", "10.20.0.30"],
          ["-verify_ip", "::1"],
          ["-verify_hostname", "etcd0"],
        ]) {
          assert.match(openssl(["verify", ...check, "-CAfile", at("ca"), at(leaf)]), /OK/);
        }
      }
      assert.match(openssl(["verify", "-purpose", "sslclient", "-CAfile", at("ca"), at("client")]), /OK/);
    },
  );
});

test("S2-08 S4-23 a registry host gets a server certificate of the cluster's CA, an admin host a kubeconfig", async () => {
  const { pki } = await aClusterPki({ directory: await newDirectory(), clock: today() });
  const cluster = aCluster({
    spec: { registry: { name: "dreg0.lan" } },
    members: [
      aMember("kube0", { roles: ["control-plane"], host: 10 }),
      aMember("dreg0", { roles: ["registry", "admin"], host: 40 }),
    ],
  });
  const files = await secretFilesOf(pki, { cluster, member: cluster.members[1]! });
  const [certificate, key, kubeconfig] = files;
  assert.deepEqual(
    files.map(({ path, mode }) => [path, mode]),
    [
      ["/etc/docker/registry/tls.crt", 0o644],
      ["/etc/docker/registry/tls.key", 0o600],
      ["/root/.kube/config", 0o600],
    ],
  );
  const { ca } = await pki.ensure(cluster);
  await withFiles({ ca: ca.certificate, leaf: certificate!.content }, (at) => {
    for (const check of [
      ["-verify_hostname", "dreg0.lan"],
      ["-verify_ip", "10.20.0.40"],
    ])
      assert.match(
        openssl(["verify", "-purpose", "sslserver", ...check, "-CAfile", at("ca"), at("leaf")]),
        /OK/,
      );
  });
  assert.match(key!.content, /BEGIN PRIVATE KEY/);
  assert.match(kubeconfig!.content, /^current-context: /m);
});

test("S4-10 in a rotation a control plane signs with one certificate, and joins with a kubeconfig that trusts both", async () => {
  const clock = today();
  const { pki, events } = await aClusterPki({ directory: await newDirectory(), clock });
  const cluster = aCluster();
  const member = cluster.members[0]!;
  const filesNow = async (): Promise<ReadonlyMap<string, string>> => {
    const files = await secretFilesOf(pki, { cluster, member });
    return new Map(files.map(({ path, content }) => [path, content]));
  };
  const signer = "/etc/kubernetes/pki/ca-signing.crt";
  const joining = "/etc/kubernetes/admin-for-join.conf";
  const before = await filesNow();
  assert.equal(before.get(signer), (await pki.ensure(cluster)).ca.certificate);
  assert.equal(before.has(joining), false, "kubeadm makes its own");
  for (const step of ["trust", "sign"] as const) {
    await rotatePki({ pki, clock, events }, { cluster, step, source: "api:test" });
    const files = await filesNow();
    const bundle = files.get("/etc/kubernetes/pki/ca.crt") ?? "";
    assert.equal(bundle.match(/BEGIN CERTIFICATE/g)?.length, 2);
    const [first] = bundle.split(/(?<=END CERTIFICATE-----\n)/);
    assert.equal(files.get(signer), first);
    assert.ok(files.get(joining)?.includes(Buffer.from(bundle).toString("base64")));
  }
});

test("S4-23 a registry without a name of its own is known by its machine's full name", async () => {
  const { pki } = await aClusterPki({ directory: await newDirectory(), clock: today() });
  const plain = aMember("dreg0", { roles: ["registry"], host: 40 });
  const member = { ...plain, spec: { ...plain.spec, domain: "lan" } };
  const cluster = aCluster({ members: [member] });
  const [certificate] = await secretFilesOf(pki, { cluster, member });
  const { ca } = await pki.ensure(cluster);
  await withFiles({ ca: ca.certificate, leaf: certificate!.content }, (at) => {
    for (const name of ["dreg0.lan", "dreg0"])
      assert.match(openssl(["verify", "-verify_hostname", name, "-CAfile", at("ca"), at("leaf")]), /OK/);
  });
});

test("S1-10 S3-14 a kubeconfig names the endpoint, its CA and a user with an end", async () => {
  const clock = today();
  const { pki } = await aClusterPki({ directory: await newDirectory(), clock });
  const cluster = aCluster();
  const made = await makeKubeconfig(pki, { cluster, request: {} });
  assert.match(made.text, /server: https:\/\/10\.20\.0\.9:8443\n/);
  assert.match(made.text, /current-context: "kubernetes-admin@lab"/);
  assert.deepEqual(made.groups, ["kubeadm:cluster-admins"]);
  assert.equal(made.expiresAt, clock.now() + 30 * DAY_MS);
  const named = await makeKubeconfig(pki, {
    cluster,
    request: { user: 'jane "j" doe', groups: ["viewers"], lifetimeMs: 3_600_000 },
  });
  const [, data = ""] = /client-certificate-data: (\S+)/.exec(named.text) ?? [];
  const subject = new X509Certificate(Buffer.from(data, "base64")).subject;
  assert.equal(subject, 'O=viewers\nCN=jane \\"j\\" doe');
});

test("S4-10 a rotation first trusts both authorities, then signs with the new ones, then drops the old ones", async () => {
  const clock = today();
  const { pki, events } = await aClusterPki({ directory: await newDirectory(), clock });
  const cluster = aCluster();
  const before = await pki.ensure(cluster);
  const rotate = (step: "trust" | "sign" | "finish" | "abort") =>
    rotatePki({ pki, clock, events }, { cluster, step, source: "api:test" });
  await assert.rejects(rotate("sign"), { code: "not-permitted-now" });
  await rotate("trust");
  const trusting = await pki.ensure(cluster);
  assert.equal(trusting.ca.key, before.ca.key);
  assert.ok(trusting.ca.certificate.startsWith(before.ca.certificate));
  assert.equal(trusting.caHashes.length, 2);
  const old = await pki.clientCertificate(cluster, {
    commonName: "x",
    organisations: [],
    lifetimeMs: DAY_MS,
  });
  await rotate("sign");
  await assert.rejects(rotate("abort"), { code: "not-permitted-now" });
  const signing = await pki.ensure(cluster);
  assert.notEqual(signing.ca.key, before.ca.key);
  const fresh = await pki.clientCertificate(cluster, {
    commonName: "x",
    organisations: [],
    lifetimeMs: DAY_MS,
  });
  await withFiles(
    {
      trusting: trusting.ca.certificate,
      signing: signing.ca.certificate,
      old: old.certificate,
      fresh: fresh.certificate,
    },
    (at) => {
      for (const bundle of ["trusting", "signing"])
        for (const leaf of ["old", "fresh"])
          assert.match(openssl(["verify", "-CAfile", at(bundle), at(leaf)]), /OK/, `${bundle} ${leaf}`);
    },
  );
  const done = await rotate("finish");
  assert.equal(done.phase, "stable");
  const after = await pki.ensure(cluster);
  assert.ok(!after.ca.certificate.includes(before.ca.certificate));
  assert.deepEqual(events.types, ["cluster-pki-made", ...Array<string>(3).fill("cluster-pki-rotation")]);
});

test("a rotation that signs nothing yet can be called off", async () => {
  const clock = today();
  const { pki, events } = await aClusterPki({ directory: await newDirectory(), clock });
  const cluster = aCluster();
  const before = await pki.ensure(cluster);
  for (const step of ["trust", "abort"] as const)
    await rotatePki({ pki, clock, events }, { cluster, step, source: "api:test" });
  assert.deepEqual(await pki.ensure(cluster), before);
});

test("the description of a PKI holds what a person compares and no key", async () => {
  const { pki } = await aClusterPki({ directory: await newDirectory(), clock: today() });
  const cluster = aCluster();
  const description = describePki("lab", await pki.record(cluster));
  assert.deepEqual(
    description.authorities.map(({ name, subject }) => `${name} ${subject}`),
    ["ca CN=kubernetes", "front-proxy-ca CN=front-proxy-ca", "etcd-ca CN=etcd-ca"],
  );
  assert.match(description.advice, /muster cluster pki lab rotate trust/);
  assert.doesNotMatch(JSON.stringify(description), /PRIVATE/);
});
