import assert from "node:assert/strict";
import { test } from "node:test";
import { isPackage, tellLog, tellPacket } from "../../lab/story.ts";

const request = (fields: object) => ({
  time: "2026-01-01T00:00:01.000Z",
  msg: "boot request",
  method: "GET",
  status: 200,
  userAgent: "iPXE/1.21.1 (g1234)",
  ...fields,
});

test("a DHCP exchange is told with its answer, silence with its reason", () => {
  const because = "the next free address";
  const offer = {
    at: 1,
    message: "DISCOVER",
    reply: "OFFER",
    address: "10.0.0.9",
    bootFile: "snponly.efi",
    because,
  };
  assert.equal(tellPacket(offer).text, "DISCOVER → OFFER 10.0.0.9, boot file snponly.efi");
  assert.equal(
    tellPacket({ at: 1, message: "DISCOVER", because: "nobody registered it" }).text,
    "DISCOVER: no answer, nobody registered it",
  );
});

test("a request on the boot plane is told with who asked", () => {
  assert.deepEqual(tellLog(request({ path: "/boot/x.ipxe" })), {
    at: Date.parse("2026-01-01T00:00:01.000Z"),
    chapter: "HTTP",
    text: "GET /boot/x.ipxe → 200 (iPXE/1.21.1)",
  });
});

test("packages are counted and not told one by one", () => {
  const line = request({ path: "/mirror/debian/pool/main/b/bash/bash_5.2_amd64.deb" });
  assert.equal(tellLog(line), undefined);
  assert.equal(isPackage(line), true);
  assert.equal(isPackage(request({ path: "/mirror/debian/dists/trixie/InRelease" })), false);
});
