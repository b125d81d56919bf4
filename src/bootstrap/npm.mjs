/** How to call npm's own client: the one that started this launcher, else the one beside Node or in PATH. */
import { existsSync, realpathSync } from "node:fs";
import path from "node:path";
import { LauncherError } from "./messages.mjs";

/**
 * The command line that runs npm under the given Node, to which the arguments are appended.
 * @param {string} node path of the Node that is to run npm
 * @returns {string[]}
 */
export function npmCommand(node) {
  const script = candidates().find((file) => /\.[cm]?js$/.test(file) && existsSync(file));
  if (!script) throw new LauncherError("npm was not found; install it beside Node (Debian: apt install npm)");
  return [node, script];
}

function candidates() {
  const near = path.join(path.dirname(realpathSync(process.execPath)), "..");
  const inPath = (process.env.PATH ?? "")
    .split(path.delimiter)
    .map((directory) => path.join(directory, "npm"))
    .filter((file) => path.isAbsolute(file) && existsSync(file))
    .map((file) => realpathSync(file));
  return [
    // Set by npm for the scripts it runs; another package manager sets it too, and is not npm.
    ...[process.env.npm_execpath ?? ""].filter((file) => path.basename(file) === "npm-cli.js"),
    path.join(near, "lib/node_modules/npm/bin/npm-cli.js"),
    path.join(near, "share/nodejs/npm/bin/npm-cli.js"),
    ...inPath,
  ];
}
