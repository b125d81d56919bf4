import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

const SCRIPT = path.join(import.meta.dirname, "../../../src/bootstrap/print-totals.mjs");

test("what several suites counted is printed as one sum, once", () => {
  const file = path.join(tmpdir(), `totals-${process.pid}`);
  const suites = [
    { passed: 3, failed: 0, skipped: [{ name: "relay", reason: "needs root" }] },
    { passed: 4, failed: 1, skipped: [] },
  ];
  writeFileSync(file, suites.map((suite) => `${JSON.stringify(suite)}\n`).join(""));
  const { stdout } = spawnSync(process.execPath, [SCRIPT, file], { encoding: "utf8" });
  assert.equal(stdout, "skipped: relay: needs root\n7 passed, 1 failed, 1 skipped\n");
  assert.equal(existsSync(file), false);
});
