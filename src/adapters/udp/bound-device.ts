/** The network interface that a socket is bound to (SO_BINDTODEVICE), which Node cannot ask: `ss` shows it beside the address. */
import { execFile } from "node:child_process";
import { readlink } from "node:fs/promises";
import { promisify } from "node:util";

/** `unknown` where `ss` is missing or does not show the socket. */
export type BoundDevice =
  | { readonly kind: "bound"; readonly device: string }
  | { readonly kind: "unbound" }
  | { readonly kind: "unknown" };

const run = promisify(execFile);
const UNKNOWN: BoundDevice = { kind: "unknown" };

/** Looks the UDP socket behind a descriptor of this process up. */
export async function boundDevice(fd: number): Promise<BoundDevice> {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/self/fd/${fd}`))?.[1];
    if (inode === undefined) return UNKNOWN;
    const { stdout } = await run("ss", ["-H", "-u", "-a", "-n", "-e"], { timeout: 5000 });
    return deviceIn(stdout, inode);
  } catch {
    return UNKNOWN;
  }
}

/** The device of the socket with that inode in the output of `ss -H -u -a -n -e`: `… 0.0.0.0%eth1:67 … ino:123 …`. */
export function deviceIn(text: string, inode: string): BoundDevice {
  const words = text
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find((line) => line.includes(`ino:${inode}`));
  if (!words) return UNKNOWN;
  const device = /%([^:\]]+)\]?:/.exec(words[3] ?? "")?.[1];
  return device === undefined ? { kind: "unbound" } : { kind: "bound", device };
}
