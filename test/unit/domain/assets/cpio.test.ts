import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { type CpioMember, createCpioReader, encodeCpio } from "../../../../src/domain/assets/cpio.ts";

const SAMPLE = encodeCpio([
  { kind: "file", name: "usr/lib/firmware/nic.bin", data: Buffer.from("12345") },
  { kind: "symlink", name: "usr/lib/firmware/link.bin", target: "nic.bin" },
  { kind: "file", name: "init", data: Buffer.from("#!/bin/sh\n"), mode: 0o755 },
]);

test("parents come before their members, once, and the same input gives the same bytes", () => {
  const found: string[] = [];
  createCpioReader(({ name }) => found.push(name)).push(SAMPLE);
  assert.deepEqual(found, [
    "usr",
    "usr/lib",
    "usr/lib/firmware",
    "usr/lib/firmware/nic.bin",
    "usr/lib/firmware/link.bin",
    "init",
  ]);
});

test("cpio(1) lists what was written, with kinds, sizes and the link's target", (t) => {
  let listing: string;
  try {
    listing = execFileSync("cpio", ["-tv", "--quiet"], { input: SAMPLE, encoding: "utf8" });
  } catch {
    t.skip("needs cpio: install the package cpio");
    return;
  }
  assert.match(listing, /^drwxr-xr-x +2 root +root +0 .* usr$/m);
  assert.match(listing, /^-rw-r--r-- +1 root +root +5 .* usr\/lib\/firmware\/nic\.bin$/m);
  assert.match(listing, /^lrwxrwxrwx +1 .* usr\/lib\/firmware\/link\.bin -> nic\.bin$/m);
  assert.match(listing, /^-rwxr-xr-x .* init$/m);
});

test("members are read the same from pieces of any size, and damage ends the reading without an exception", () => {
  const whole: CpioMember[] = [];
  createCpioReader((member) => whole.push(member)).push(SAMPLE);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), (step) => {
      const found: CpioMember[] = [];
      const reader = createCpioReader((member) => found.push(member));
      let open = true;
      for (let at = 0; at < SAMPLE.length; at += step) open = reader.push(SAMPLE.subarray(at, at + step));
      assert.deepEqual(found, whole);
      assert.equal(open, false);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array(), (noise) => {
      createCpioReader(() => assert.fail("noise holds no member")).push(noise);
    }),
  );
});
