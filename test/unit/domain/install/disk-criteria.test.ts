import assert from "node:assert/strict";
import { test } from "node:test";
import { diskRuleLine, knownDiskLine } from "../../../../src/domain/install/disk-criteria.ts";

test("DISK-RULE fields stand in the order in which the installer's script reads them", () => {
  assert.equal(
    diskRuleLine({
      match: "largest",
      serial: "S 1",
      wwn: "0x5000",
      path: "/dev/disk/by-path/x",
      model: "M",
      rotational: false,
      minSize: "20GB",
      maxSize: 30_000_000_000,
    }),
    "largest|S 1|0x5000|/dev/disk/by-path/x|M|0|20000000000|30000000000",
  );
  assert.equal(diskRuleLine({ match: "only" }), "only|||||||");
  assert.equal(diskRuleLine({ rotational: true }), "|||||1||");
});

test("DISK-RULE a value that would break the line is refused", () => {
  assert.throws(() => diskRuleLine({ serial: "a|b" }), RangeError);
  assert.throws(() => diskRuleLine({ model: "a\nb" }), RangeError);
});

test("DESIGN-5.11 a known disk is what the installer recorded, empty where the disk says nothing", () => {
  assert.equal(knownDiskLine({ path: "/dev/sda", serial: "S1", sizeBytes: 512 }), "S1|||512");
});
