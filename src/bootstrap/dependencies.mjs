/** Brings the npm packages of the lock file into a checkout, when they are missing or of other versions. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { isCheckout, root } from "./checkout.mjs";
import { LauncherError, say } from "./messages.mjs";
import { npmCommand } from "./npm.mjs";

/**
 * Installs what the lock file names unless it is there already; an installed package is left alone.
 * @param {string} node path of the Node that runs npm
 */
export function ensureDependencies(node) {
  if (!isCheckout || areInstalled()) return;
  say("installing the npm packages of package-lock.json");
  const [command, ...npm] = npmCommand(node);
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const result = spawnSync(command, [...npm, "ci", ...flags], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (result.status !== 0) {
    throw new LauncherError(
      "the npm packages could not be installed (see above): is the registry reachable?",
    );
  }
}

/** Compares what npm recorded as installed with what the lock file wants: dates say nothing after a checkout. */
function areInstalled() {
  const record = path.join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const wanted = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(record, "utf8")).packages;
  return Object.entries(wanted).every(
    ([place, entry]) =>
      place === "" ||
      // Optional packages are for one platform each: only some of them are ever here.
      (entry.optional && !installed[place]) ||
      installed[place]?.version === entry.version,
  );
}
