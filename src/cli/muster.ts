#!/usr/bin/env node
/** The `muster` command: builds the program, runs one command, turns its end into an exit code. */
import process from "node:process";
import { runProgram } from "./program.ts";

// What others see who look for the holder of a port; Node's own name would be "MainThread".
process.title = "muster";

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (interruption.signal.aborted) process.exit(130);
    interruption.abort();
  });
}

// `muster get machines | head` closes the pipe early: that is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await runProgram(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  workingDirectory: process.cwd(),
  interrupted: interruption.signal,
});

// A look-up of a name cannot be taken back: at a silent name server one holds a stopped appliance for half a minute.
if (interruption.signal.aborted || process.exitCode !== 0) process.exit();
