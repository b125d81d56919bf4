import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { derElements } from "../../../../src/adapters/pki/der.ts";
import { ipv6Bytes } from "../../../../src/adapters/pki/ipv6-bytes.ts";
import { readSigningRequest } from "../../../../src/adapters/pki/signing-request.ts";

function request(...args: string[]): string {
  return execFileSync(
    "openssl",
    ["req", "-new", ...args, "-nodes", "-keyout", "/dev/null", "-subj", "/CN=x"],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
}

const P256 = request("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256");

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
}

function pemOf(der: Buffer): string {
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
}

test("the same key has the same hash in every request it signs", () => {
  const first = readSigningRequest(P256);
  const again = readSigningRequest(P256.replace(/\n/g, "\r\n"));
  assert.ok(first.kind === "proven" && again.kind === "proven");
  assert.equal(first.request.keyHash, again.request.keyHash);
});

const REFUSED: Readonly<Record<string, { pem: string; reason: RegExp }>> = {
  nothing: { pem: "", reason: /not a PEM/ },
  "a certificate": {
    pem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    reason: /not a PEM/,
  },
  "something far too long": { pem: P256 + " ".repeat(5) + "A".repeat(20_000), reason: /not a PEM/ },
  "an empty structure": { pem: pemOf(Buffer.from([0x30, 0])), reason: /PKCS #10/ },
  "trailing bytes": { pem: pemOf(Buffer.concat([derOf(P256), Buffer.from([5, 0])])), reason: /PKCS #10/ },
  "RSA of 1024 bits": { pem: request("-newkey", "rsa:1024"), reason: /2048/ },
  "an unusual curve": {
    pem: request("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"),
    reason: /curve/,
  },
  "SHA-1": { pem: request("-newkey", "rsa:2048", "-sha1"), reason: /algorithm/ },
};

for (const [what, { pem, reason }] of Object.entries(REFUSED)) {
  test(`a request that is ${what} is refused with its reason`, () => {
    const check = readSigningRequest(pem);
    assert.ok(check.kind === "refused");
    assert.match(check.reason, reason);
  });
}

test("a request whose key was exchanged for another's is refused: possession is not proven", () => {
  const other = request("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256");
  const [mine, theirs] = [derOf(P256), derOf(other)];
  // The 65 octets of an uncompressed P-256 point follow the curve's OID and the BIT STRING header.
  const at = (der: Buffer): number => der.indexOf(Buffer.from("06082a8648ce3d030107034200", "hex")) + 13;
  theirs.copy(mine, at(mine), at(theirs), at(theirs) + 65);
  const check = readSigningRequest(pemOf(mine));
  assert.equal(check.kind === "refused" && check.reason, "its signature does not fit its key");
});

test("mutated requests are refused and never throw", () => {
  const der = derOf(P256);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.nat(der.length),
      (changes, cut) => {
        const mutated = Buffer.from(der);
        for (const [at, by] of changes) mutated[at] = (mutated[at] ?? 0) ^ by;
        if (!mutated.equals(der)) assert.equal(readSigningRequest(pemOf(mutated)).kind, "refused");
        if (cut < der.length) assert.equal(readSigningRequest(pemOf(der.subarray(0, cut))).kind, "refused");
      },
    ),
    { numRuns: 300 },
  );
});

test("any bytes are DER elements that cover them all, or are not DER", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const elements = derElements(Buffer.from(bytes));
      if (elements) assert.deepEqual(Buffer.concat(elements.map((each) => each.whole)), Buffer.from(bytes));
    }),
  );
});

test("IPv6 addresses become their sixteen octets", () => {
  const cases: Readonly<Record<string, string>> = {
    "::": "00000000000000000000000000000000",
    "::1": "00000000000000000000000000000001",
    "fd00::1:2": "fd000000000000000000000000010002",
    "1:2:3:4:5:6:7:8": "00010002000300040005000600070008",
    "::ffff:10.0.0.1": "00000000000000000000ffff0a000001",
    "fe80::1%eth0": "fe800000000000000000000000000001",
  };
  for (const [text, hex] of Object.entries(cases)) assert.equal(ipv6Bytes(text).toString("hex"), hex, text);
});
