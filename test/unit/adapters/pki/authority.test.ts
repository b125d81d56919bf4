import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, stat, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openAuthority } from "../../../../src/adapters/pki/authority.ts";
import { serverCredentials } from "../../../../src/adapters/pki/server-certificate.ts";
import { readSigningRequest } from "../../../../src/adapters/pki/signing-request.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const directories: string[] = [];
after(async () => {
  for (const directory of directories) await rm(directory, { recursive: true });
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "muster-pki-"));
  directories.push(directory);
  return directory;
}

const YEAR_MS = 365 * 86_400_000;

function openssl(...args: string[]): string {
  return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

test("the authority is made once, kept over restarts, and its key is readable by its owner only", async () => {
  const directory = await newDirectory();
  const clock = new FakeClock();
  const first = await openAuthority({ directory, clock });
  const again = await openAuthority({ directory, clock });
  assert.equal(again.certificate, first.certificate);
  assert.equal((await stat(join(directory, "ca.key"))).mode & 0o777, 0o600);
  const own = new X509Certificate(first.certificate);
  assert.equal(own.ca, true);
  assert.equal(Date.parse(own.validFrom), clock.now() - YEAR_MS);
});

test("an authority's key that became readable by others is closed again", async () => {
  const directory = await newDirectory();
  const clock = new FakeClock();
  await openAuthority({ directory, clock });
  await chmod(join(directory, "ca.key"), 0o644);
  await openAuthority({ directory, clock });
  assert.equal((await stat(join(directory, "ca.key"))).mode & 0o777, 0o600);
});

test("a certificate without its key is refused instead of replaced", async () => {
  const directory = await newDirectory();
  const clock = new FakeClock();
  await openAuthority({ directory, clock });
  await unlink(join(directory, "ca.key"));
  await assert.rejects(openAuthority({ directory, clock }), { code: "unavailable" });
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await writeFile(join(directory, "ca.key"), other.privateKey.export({ type: "pkcs8", format: "pem" }));
  await assert.rejects(openAuthority({ directory, clock }), { code: "unavailable" });
});

test("a start that was cut off after the key goes on with that key", async () => {
  const directory = await newDirectory();
  const clock = new FakeClock();
  await openAuthority({ directory, clock });
  const key = await readFile(join(directory, "ca.key"), "utf8");
  await unlink(join(directory, "ca.crt"));
  const authority = await openAuthority({ directory, clock });
  assert.equal(await readFile(join(directory, "ca.key"), "utf8"), key);
  assert.ok(new X509Certificate(authority.certificate).checkPrivateKey(createPrivateKey(key)));
});

test("openssl verifies the server's chain for every name and address it was issued for", async () => {
  const directory = await newDirectory();
  const clock = new FakeClock(Date.now());
  const authority = await openAuthority({ directory, clock });
  const names = ["10.20.0.2", "boot.example.org", "fd00::1:2"];
  const { chain } = await serverCredentials({ directory, authority, clock, names });
  assert.equal(chain.match(/BEGIN CERTIFICATE/g)?.length, 2);
  const files = [join(directory, "ca.crt"), join(directory, "server.crt")];
  for (const [flag, name] of [
    ["-verify_hostname", "boot.example.org"],
    ["-verify_hostname", "localhost"],
    ["-verify_ip", "10.20.0.2"],
    ["-verify_ip", "fd00::1:2"],
    ["-verify_ip", "127.0.0.1"],
  ] as const) {
    const out = openssl("verify", "-x509_strict", "-purpose", "sslserver", flag, name, "-CAfile", ...files);
    assert.match(out, /: OK/, name);
  }
  assert.throws(() => openssl("verify", "-verify_ip", "10.20.0.3", "-CAfile", ...files));
});

test("the server's certificate is kept, and issued again for other names, near its end, or by another authority", async () => {
  const directory = await newDirectory();
  const clock = new FakeClock();
  const authority = await openAuthority({ directory, clock });
  const names = ["10.20.0.2", "Boot.Example.org"];
  assert.equal((await serverCredentials({ directory, authority, clock, names })).fresh, true);
  const kept = await serverCredentials({ directory, authority, clock, names });
  assert.equal(kept.fresh, false);
  const moved = await serverCredentials({ directory, authority, clock, names: ["10.20.0.9"] });
  assert.equal(moved.fresh, true);
  assert.equal(moved.key, kept.key);
  clock.jump(370 * 86_400_000);
  assert.equal((await serverCredentials({ directory, authority, clock, names: ["10.20.0.9"] })).fresh, true);
  const other = await openAuthority({ directory: await newDirectory(), clock });
  assert.equal(
    (await serverCredentials({ directory, authority: other, clock, names: ["10.20.0.9"] })).fresh,
    true,
  );
});

test("a damaged server certificate or key is replaced", async () => {
  const directory = await newDirectory();
  const clock = new FakeClock();
  const authority = await openAuthority({ directory, clock });
  await serverCredentials({ directory, authority, clock, names: [] });
  await writeFile(join(directory, "server.crt"), "garbage");
  assert.equal((await serverCredentials({ directory, authority, clock, names: [] })).fresh, true);
  await writeFile(join(directory, "server.key"), "garbage");
  const repaired = await serverCredentials({ directory, authority, clock, names: [] });
  assert.equal(repaired.fresh, true);
  assert.equal(repaired.key.startsWith("-----BEGIN PRIVATE KEY-----"), true);
});

const KEY_KINDS = {
  "RSA 2048": ["-newkey", "rsa:2048"],
  "ECDSA P-256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
  "ECDSA P-384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
  Ed25519: ["-newkey", "ed25519"],
} as const;

for (const [kind, args] of Object.entries(KEY_KINDS)) {
  test(`openssl verifies a client certificate for openssl's own ${kind} request`, async () => {
    const directory = await newDirectory();
    const authority = await openAuthority({ directory, clock: new FakeClock(Date.now()) });
    const key = join(directory, "node.key");
    const pem = openssl("req", "-new", ...args, "-nodes", "-keyout", key, "-subj", "/CN=whoever");
    const check = readSigningRequest(pem);
    assert.ok(check.kind === "proven");
    const issued = authority.issue({
      purpose: "client",
      subject: { commonName: "kube0", organizationalUnit: "generation 1" },
      publicKey: check.request.publicKey,
      days: 10,
    });
    await writeFile(join(directory, "node.crt"), issued.pem);
    const ca = join(directory, "ca.crt");
    const out = openssl(
      "verify",
      "-x509_strict",
      "-purpose",
      "sslclient",
      "-CAfile",
      ca,
      join(directory, "node.crt"),
    );
    assert.match(out, /: OK/);
    const certificate = new X509Certificate(issued.pem);
    assert.equal(certificate.serialNumber, issued.serial);
    assert.equal(certificate.subject, "OU=generation 1\nCN=kube0");
    assert.ok(authority.issued(certificate));
    assert.ok(createPublicKey(issued.pem).equals(check.request.publicKey));
  });
}
