import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";

const MODULE = path.join(import.meta.dirname, "../../../src/bootstrap/node.mjs");

function ask(expression: string, env: Record<string, string> = {}): unknown {
  const script = `import * as node from ${JSON.stringify(MODULE)}; console.log(JSON.stringify(${expression}))`;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return JSON.parse(child.stdout);
}

test("Node 22.18 and newer run the product as they are", () => {
  const versions = ["20.20.2", "22.17.9", "22.18.0", "22.19.0", "24.0.0"];
  assert.deepEqual(ask(`${JSON.stringify(versions)}.map(node.isSupported)`), [
    false,
    false,
    true,
    true,
    true,
  ]);
  assert.equal(ask("node.supportedNode()"), process.execPath);
});

test("what can be fetched again lies in the user's cache directory", () => {
  assert.equal(ask("node.cacheDirectory()", { XDG_CACHE_HOME: "/var/cache/ops" }), "/var/cache/ops/muster");
  assert.equal(
    ask("node.cacheDirectory()", { XDG_CACHE_HOME: "", HOME: "/home/ops" }),
    "/home/ops/.cache/muster",
  );
});
