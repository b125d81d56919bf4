import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRelease, parseSha256Sums } from "../../../../src/domain/assets/release-file.ts";

const SHA = "ab".repeat(32);

test("a release gives its names, date and the checksums of its indexes", () => {
  const release = parseRelease(
    `Codename: trixie\nSuite: stable\nVersion: 13.7\nDate: Sat, 12 Sep 2026 07:55:41 UTC\nMD5Sum:\n ${"0".repeat(32)} 1 x\nSHA256:\n ${SHA}  42 main/binary-amd64/Packages.gz\n`,
  );
  assert.equal(release?.codename, "trixie");
  assert.equal(release.version, "13.7");
  assert.equal(release.date, Date.UTC(2026, 8, 12, 7, 55, 41));
  assert.equal(release.validUntil, undefined);
  assert.deepEqual([...release.files], [["main/binary-amd64/Packages.gz", { sha256: SHA, bytes: 42 }]]);
});

test("a release without SHA-256 checksums is none", () => {
  assert.equal(parseRelease("Codename: trixie\nMD5Sum:\n abc 1 x\n"), undefined);
  assert.equal(parseRelease(""), undefined);
});

test("SHA256SUMS lines are read with and without ./ and other lines are ignored", () => {
  const sums = parseSha256Sums(`${SHA}  ./netboot/linux\n${SHA} *b\nnonsense\n`);
  assert.deepEqual([...sums.keys()], ["netboot/linux", "b"]);
});
