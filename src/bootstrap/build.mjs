/** Builds `dist/` from the sources when they changed since it was built. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isCheckout, root } from "./checkout.mjs";
import { LauncherError, say } from "./messages.mjs";

const DIST = path.join(root, "dist");
const STAMP = ".built-from";

/**
 * Leaves an up-to-date `dist/`. Types are not checked here (`npm run check` does): the wait is for the JavaScript alone.
 * @param {string} node path of the Node that runs the compiler
 */
export function ensureBuild(node) {
  if (!isCheckout) return;
  const digest = sourceDigest();
  const stamp = path.join(DIST, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  say("building dist/");
  const staging = `${DIST}.${process.pid}`;
  const compiler = path.join(root, "node_modules", "typescript", "bin", "tsc");
  const options = ["-p", "tsconfig.build.json", "--noCheck", "--outDir", staging];
  const result = spawnSync(node, [compiler, ...options], { cwd: root, stdio: ["ignore", 2, 2] });
  if (result.status !== 0) {
    rmSync(staging, { recursive: true, force: true });
    throw new LauncherError("the sources do not compile (see above)");
  }
  writeFileSync(path.join(staging, STAMP), digest);
  replaceDist(staging);
}

/** Renames, so that an appliance running from `dist/` and a second launcher never see half of it. */
function replaceDist(staging) {
  const old = `${staging}.old`;
  if (existsSync(DIST)) renameSync(DIST, old);
  renameSync(staging, DIST);
  rmSync(old, { recursive: true, force: true });
}

function sourceDigest() {
  const hash = createHash("sha256");
  const sources = readdirSync(path.join(root, "src"), { recursive: true })
    .filter((file) => file.endsWith(".ts"))
    .sort()
    .map((file) => path.join("src", file));
  for (const file of [...sources, "tsconfig.json", "tsconfig.build.json", "package-lock.json"]) {
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(path.join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}
