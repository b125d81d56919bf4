import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { tftpPath } from "../../../../src/protocol/tftp/path.ts";

test("T-21 backslashes, repeated and leading slashes are the same path", () => {
  for (const raw of [
    "Boot/BCD",
    "/Boot/BCD",
    "\\Boot\\BCD",
    "//Boot///BCD",
    "./Boot/./BCD",
    "\\\\Boot/BCD",
  ]) {
    assert.equal(tftpPath(raw), "Boot/BCD", raw);
  }
  assert.equal(tftpPath("..boot"), "..boot");
  assert.equal(tftpPath("%2e%2e/etc/passwd"), "%2e%2e/etc/passwd");
});

test("T-22 parent parts, control characters, empty and overlong paths are refused", () => {
  const refused = [
    "..",
    "../etc",
    "a/../../etc",
    "a\\..\\b",
    "/",
    "",
    ".",
    "a\0b",
    "a\nb",
    "a\x7f",
    "a".repeat(513),
  ];
  for (const raw of refused) assert.equal(tftpPath(raw), undefined, JSON.stringify(raw));
});

test("T-22 no path ever leaves the root or starts at it", () => {
  const part = fc.constantFrom("..", ".", "", "a", "boot", "\\", "/", "\0", "..\\", "%2e", "…");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.constantFrom("/", "\\", ""), (parts, separator) => {
      const path = tftpPath(parts.join(separator));
      if (path === undefined) return;
      assert.ok(!path.startsWith("/") && !path.includes("\\"));
      assert.ok(!path.split("/").some((name) => name === ".." || name === "."));
    }),
  );
});
