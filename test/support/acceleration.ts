/**
 * Whether virtual machines may use KVM here: a device file is no proof, some hosts offer one on which kernels hang, so a kernel
 * is booted under it once and must get as far as looking for its root file system.
 */
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { cacheDirectory } from "./cache.ts";

export type Acceleration = "kvm" | "tcg";

const TRIAL_SECONDS = 20;
const TRIAL = ["-accel", "kvm", "-cpu", "host", "-m", "512", "-nodefaults", "-display", "none"];
const APPEND = "console=ttyS0 panic=-1";

/**
 * Finds out which acceleration works, with the given kernel as the trial's; the answer is remembered until the host restarts.
 */
export async function findAcceleration(kernel: string): Promise<Acceleration> {
  if (!isUsable("/dev/kvm")) return "tcg";
  const remembered = path.join(cacheDirectory(), "lab", "acceleration.json");
  const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  const known = await readFile(remembered, "utf8").then(parse, () => undefined);
  if (known?.boot === boot) return known.acceleration;
  const acceleration = (await bootsUnderKvm(kernel)) ? "kvm" : "tcg";
  await mkdir(path.dirname(remembered), { recursive: true });
  await writeFile(remembered, JSON.stringify({ boot, acceleration }));
  return acceleration;
}

function parse(text: string): { boot: string; acceleration: Acceleration } {
  return JSON.parse(text) as { boot: string; acceleration: Acceleration };
}

function isUsable(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Boots the kernel without a root file system, twice the same processor count as the lab's machines. */
function bootsUnderKvm(kernel: string): Promise<boolean> {
  const machine = ["-smp", "2", "-serial", "stdio", "-no-reboot", "-kernel", kernel, "-append", APPEND];
  const child = spawn("qemu-system-x86_64", [...TRIAL, ...machine], { stdio: ["ignore", "pipe", "ignore"] });
  return new Promise((resolve) => {
    let console = "";
    let works = false;
    const timer = setTimeout(() => child.kill("SIGKILL"), TRIAL_SECONDS * 1000);
    child.stdout.on("data", (chunk: Buffer) => {
      console += chunk.toString("latin1");
      if (!/Unable to mount root fs|No working init found/.test(console)) return;
      works = true;
      child.kill("SIGKILL");
    });
    child.on("error", () => resolve(false));
    child.on("close", () => {
      clearTimeout(timer);
      resolve(works);
    });
  });
}
