/** Runs commands as named steps: captured or shown, bounded in time, each with its own process group. */
import { spawn } from "node:child_process";
import { root } from "./checkout.mjs";

/**
 * Runs one command and tells how it went; a command beyond its limit is ended with everything it started.
 * @param {{command: string[], seconds: number, environment?: Record<string, string>, show?: boolean}} step
 *   `seconds` bounds it; `show` passes its output through instead of collecting it
 * @returns {Promise<{ok: boolean, output: string, seconds: number, why: string}>}
 */
export function runStep({ command: [program, ...args], seconds, environment = {}, show = false }) {
  const started = performance.now();
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
    detached: true,
  });
  const chunks = [];
  child.stdout?.on("data", (chunk) => chunks.push(chunk));
  child.stderr?.on("data", (chunk) => chunks.push(chunk));
  const stop = (signal) => endGroup(child.pid, signal);
  let wasInterrupted = false;
  const interrupted = () => {
    wasInterrupted = true;
    stop("SIGINT");
  };
  process.on("SIGINT", interrupted).on("SIGTERM", interrupted);
  let late = false;
  const timers = [
    setTimeout(() => ((late = true), stop("SIGTERM")), seconds * 1000),
    setTimeout(() => stop("SIGKILL"), (seconds + 20) * 1000),
  ];
  return new Promise((resolve) => {
    const end = (ok, why) => {
      timers.forEach(clearTimeout);
      process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
      if (wasInterrupted) process.exit(130);
      const output = Buffer.concat(chunks).toString();
      resolve({ ok, output, seconds: (performance.now() - started) / 1000, why });
    };
    child.on("error", (error) => end(false, error.message));
    child.on("close", (code, signal) =>
      end(
        code === 0 && !late,
        late ? `took longer than ${seconds} s` : `ended with ${signal ?? `code ${code}`}`,
      ),
    );
  });
}

function endGroup(pid, signal) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}
