import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";

const MUSTER = path.join(import.meta.dirname, "../../../src/cli/muster.ts");
// Stands for whatever cannot be taken back, such as a look-up at a name server that is silent.
const UNFINISHED = "data:text/javascript,setTimeout(() => {}, 60_000)";

test("DESIGN-3.1 a command that failed ends at once, whatever is still under way", () => {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ["--import", UNFINISHED, MUSTER, "nosuch"], {
    encoding: "utf8",
    timeout: 50_000,
  });
  assert.equal(status, 2, stderr);
  assert.match(stderr, /unknown command 'nosuch'/);
  assert.ok(performance.now() - started < 50_000);
});

test("DESIGN-7 a data directory where none can be made is one sentence", () => {
  const args = [MUSTER, "serve", "--data-dir", "/proc/muster/data"];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 });
  assert.equal(status, 78, stderr);
  assert.match(stderr, /^muster: the data directory \/proc\/muster\/data cannot be made: /m);
});
