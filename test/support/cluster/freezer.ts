/** A machine that stands still: no process of it gets to do anything until it is thawed. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const STATE = "freezer.state";
const MOST_TRIES = 10_000;

/** Stops every process of a group and returns when the last one stands still. */
export async function freeze(group: string): Promise<void> {
  const state = path.join(group, STATE);
  writeFileSync(state, "FROZEN");
  for (let tries = 0; readFileSync(state, "utf8").trim() !== "FROZEN"; tries++) {
    if (tries > MOST_TRIES) throw new Error(`${group} does not freeze`);
    await delay(1);
  }
}

/** Kills every process of a frozen group and of those below it but one; each dies at the thaw, before its next instruction. */
export function killFrozen(group: string, spared: number): void {
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) killFrozen(path.join(group, entry.name), spared);
  }
  const pids = readFileSync(path.join(group, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  for (const pid of pids.filter((each) => each !== spared)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It was dead already.
    }
  }
}

/** Lets a group go on; one that is gone already is no fault. */
export function thaw(group: string): void {
  const state = path.join(group, STATE);
  if (existsSync(state)) writeFileSync(state, "THAWED");
}
