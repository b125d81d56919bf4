/** Becomes another program: in place where Node can, else as its parent that passes on signals and the exit code. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import path from "node:path";
import { cacheDirectory } from "./node.mjs";

/**
 * Runs Node with the arguments in place of this process; returns only by exiting.
 * @param {string} node path of the Node binary
 * @param {string[]} args its arguments, the script first
 */
export function execute(node, args) {
  // Node keeps compiled code there; it is what makes a second start quick.
  const cache = path.join(cacheDirectory(), "compiled");
  const env = { NODE_COMPILE_CACHE: cache, ...process.env };
  if (typeof process.execve === "function") process.execve(node, [node, ...args], env);
  const child = spawn(node, args, { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"]) {
    // A terminal sends Ctrl-C to the whole foreground group: passing it on would make it two.
    process.on(signal, () => (signal === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(signal)));
  }
  child.on("error", (error) => {
    throw error;
  });
  child.on("exit", (code, signal) =>
    process.exit(code ?? 128 + (constants.signals[signal ?? "SIGTERM"] ?? 0)),
  );
}
