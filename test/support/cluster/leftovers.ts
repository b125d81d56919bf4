/** What a run that was killed left behind: machines that still run, mounts, directories, namespaces. */
import { readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execute } from "../netns.ts";
import { removeCgroups } from "./cgroups.ts";

/** Namespaces of beds and of machines, with the process that made them. */
const OWNED = /^mt-(?:cluster|node-[a-z0-9-]+)-(\d+)-\d+$/;
const PREFIX = "muster-cluster-";

/** Removes the remains of every run whose process is gone. */
export async function removeLeftovers(): Promise<void> {
  const entries = await readdir(tmpdir());
  for (const entry of entries.filter((name) => name.startsWith(PREFIX))) {
    const directory = path.join(tmpdir(), entry);
    const owner = Number(await readFile(path.join(directory, "owner"), "utf8").catch(() => "0"));
    // Without an owner it is another suite's, or only being made.
    if (!(owner > 0) || isAlive(owner)) continue;
    console.log(`removing what an earlier run left: ${directory}`);
    await remove(directory);
    await removeNamespaces(owner);
  }
}

async function remove(directory: string): Promise<void> {
  for (const pid of await machinesBelow(directory)) {
    for (const child of await childrenOf(pid)) kill(child);
    await delay(500);
    kill(pid);
  }
  await delay(500);
  const mounts = (await readFile("/proc/self/mounts", "utf8"))
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  for (const mount of mounts.filter((place) => place.startsWith(`${directory}/`))) {
    await execute("umount", ["--lazy", mount]);
  }
  await rm(directory, { recursive: true, force: true });
}

async function removeNamespaces(owner: number): Promise<void> {
  const { stdout } = await execute("ip", ["netns", "list"]);
  const names = stdout.split("\n").map((line) => line.split(" ")[0] ?? "");
  for (const name of names.filter((each) => OWNED.exec(each)?.[1] === String(owner))) {
    const { stdout: pids } = await execute("ip", ["netns", "pids", name]);
    for (const pid of pids.split("\n").filter(Boolean)) kill(Number(pid));
    await execute("ip", ["netns", "delete", name]);
  }
  await removeCgroups(`mt-cluster-${owner}-`);
}

async function machinesBelow(directory: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const line = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    if (line.startsWith("systemd-nspawn") && line.includes(`--directory=${directory}/`))
      found.push(Number(entry));
  }
  return found;
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return list.split(" ").filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
