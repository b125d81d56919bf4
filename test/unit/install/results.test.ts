import assert from "node:assert/strict";
import { test } from "node:test";
import { resultsTable } from "../../install/results.ts";

const date = new Date("2026-02-03T04:05:06Z");

test("a scenario's row is replaced, and rows of other runs stay", () => {
  const before = resultsTable({
    results: new Map([
      ["lvm-uefi", [{ step: "installs", seconds: 900 }]],
      ["regular-bios", [{ step: "installs", seconds: 10, failure: "went off | early" }]],
    ]),
    before: "",
    date,
    acceleration: "kvm",
  });
  assert.match(
    before,
    /\| regular-bios \| FAILED \| installs 10 s \(went off \/ early\) \| 2026-02-03, kvm \|/,
  );
  const after = resultsTable({
    results: new Map([["regular-bios", [{ step: "installs", seconds: 800 }]]]),
    before,
    date,
    acceleration: "tcg",
  });
  assert.match(after, /\| lvm-uefi \| passed \| installs 900 s \| 2026-02-03, kvm \|/);
  assert.match(after, /\| regular-bios \| passed \| installs 800 s \| 2026-02-03, tcg \|/);
  assert.equal(after.match(/regular-bios/g)?.length, 1);
});
