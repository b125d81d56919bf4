import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { DecodeError } from "../../../src/protocol/decode-error.ts";
import { decodeTar, encodeTar } from "../../../src/protocol/tar.ts";
import { mutate, seededRandom } from "../../support/mutate.ts";

const files = [
  { path: "etc/muster/node/settings", mode: 0o644, content: Buffer.from("A='1'\n") },
  { path: "usr/local/lib/muster/node", mode: 0o755, content: Buffer.alloc(1024, "x") },
  {
    path: `${"directory/".repeat(12)}with-a-name-that-needs-a-prefix`,
    mode: 0o600,
    content: Buffer.alloc(0),
  },
];

test("TAR what is written is read back", () => {
  const read = decodeTar(encodeTar(files)).map((file) => ({ ...file, content: Buffer.from(file.content) }));
  assert.deepEqual(read, files);
});

test("TAR the system's tar reads it: names, modes and an owner who is root", (t) => {
  const listing = spawnSync("tar", ["-tv", "--numeric-owner"], { input: encodeTar(files), encoding: "utf8" });
  if (listing.error) {
    t.skip("needs the program tar");
    return;
  }
  assert.equal(listing.status, 0, listing.stderr);
  const lines = listing.stdout.trim().split("\n");
  assert.match(lines[0] ?? "", /^-rw-r--r-- 0\/0 +6 .* etc\/muster\/node\/settings$/);
  assert.match(lines[1] ?? "", /^-rwxr-xr-x 0\/0 +1024 .* usr\/local\/lib\/muster\/node$/);
  assert.match(lines[2] ?? "", /^-rw------- .*with-a-name-that-needs-a-prefix$/);
});

test("TAR a leading slash is not archived, and a path that does not fit is refused", () => {
  const [only] = decodeTar(encodeTar([{ path: "/etc/hosts", mode: 0o644, content: Buffer.from("") }]));
  assert.equal(only?.path, "etc/hosts");
  const path = "a".repeat(101);
  assert.throws(() => encodeTar([{ path, mode: 0o644, content: Buffer.from("") }]), RangeError);
});

test("TAR damaged archives are DecodeErrors and nothing else", () => {
  const archive = Buffer.from(encodeTar(files));
  const random = seededRandom(7);
  for (let round = 0; round < 300; round++) {
    try {
      decodeTar(mutate(archive, random));
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error));
    }
  }
  assert.throws(() => decodeTar(archive.subarray(0, 700)), DecodeError);
});
