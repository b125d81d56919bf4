import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mediaTypeOf } from "../../../../src/adapters/http/media-types.ts";
import { decodePath, maskTicket } from "../../../../src/adapters/http/url-path.ts";

test("H-09 paths that climb, hide a NUL or cannot be decoded are refused in every encoding", () => {
  for (const target of [
    "/boot/files/../../etc/passwd",
    "/boot/files/%2e%2e/%2e%2e/etc/passwd",
    "/boot/files/..%2f..%2fetc/passwd",
    "/boot/files/..%5c..%5cetc",
    "/boot/files/a%00.efi",
    "/boot/files/%zz",
    "/boot/files/%0d%0aX: y",
    "boot",
  ]) {
    assert.equal(decodePath(target), undefined, target);
  }
});

test("H-09 whatever is sent, the decoded path has no climbing part", () => {
  fc.assert(
    fc.property(fc.string(), (noise) => {
      const path = decodePath(`/${noise}`);
      assert.ok(path === undefined || path.split("/").every((part) => part !== ".." && part !== "."));
    }),
  );
});

test("doubled slashes are joined and the query is left out", () => {
  assert.equal(decodePath("/boot/files//grubx64.efi"), "/boot/files/grubx64.efi");
  assert.equal(decodePath("//boot///files/./a?x=../.."), "/boot/files/a");
  assert.equal(decodePath("http://host:80/boot/files/a%2Bb"), "/boot/files/a+b");
});

test("a ticket is masked wherever a path is logged", () => {
  assert.equal(maskTicket("/install/secret123/preseed.cfg?x=1"), "/install/****/preseed.cfg?x=1");
  assert.equal(maskTicket("/install/secret123"), "/install/****");
  assert.equal(maskTicket("/boot/files/a"), "/boot/files/a");
});

test("H-06, H-07 content types by extension in any case", () => {
  assert.equal(mediaTypeOf("/x/snponly.efi"), "application/efi");
  assert.equal(mediaTypeOf("BOOTX64.EFI"), "application/efi");
  assert.equal(mediaTypeOf("a.iso"), "application/vnd.efi-iso");
  assert.equal(mediaTypeOf("a.img"), "application/vnd.efi-img");
  assert.match(mediaTypeOf("autoexec.ipxe"), /^text\/plain/);
  assert.equal(mediaTypeOf("initrd.gz"), "application/octet-stream");
});
