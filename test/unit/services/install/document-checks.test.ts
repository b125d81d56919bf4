import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkBootScript,
  checkPreseed,
  checkShell,
} from "../../../../src/services/install/document-checks.ts";

test("DESIGN-7 a preseed line its reader would refuse is found, with its number", () => {
  assert.equal(
    checkPreseed("# remark\n\nd-i time/zone string Etc/UTC\nd-i mirror/http/proxy string\n"),
    undefined,
  );
  assert.equal(checkPreseed("d-i time/zone string Etc/UTC\nd-i time/zone Etc/UTC\n")?.line, 2);
  assert.equal(checkPreseed("d-i time/zone string Etc\rd-i\n")?.line, 1);
});

test("H-15 a boot script starts with #!ipxe, is ASCII with bare line feeds and smaller than 64 KB", () => {
  assert.equal(checkBootScript("#!ipxe\necho hello\n"), undefined);
  assert.equal(checkBootScript("echo\n")?.line, 1);
  assert.equal(checkBootScript("#!ipxe\necho a\r\n")?.line, 2);
  assert.equal(checkBootScript("#!ipxe\n\necho é\n")?.line, 3);
  assert.match(checkBootScript(`#!ipxe\n${"#\n".repeat(40_000)}`)?.message ?? "", /64 KB/);
});

test("DESIGN-7 a shell script names its shell and holds no carriage return", () => {
  assert.equal(checkShell("#!/bin/sh\ntrue\n"), undefined);
  assert.equal(checkShell("true\n")?.line, 1);
  assert.equal(checkShell("#!/bin/sh\ntrue\r\n")?.line, 2);
});
