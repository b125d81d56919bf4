/** Finds out which process holds a port, so that an error can name it. Linux only; elsewhere nobody is found. */
import { readdir, readFile, readlink } from "node:fs/promises";

/**
 * The holder of a UDP port as people know it (`dnsmasq, pid 812`), or undefined when it cannot be seen: other users'
 * processes show their sockets to root only.
 */
export async function udpPortHolder(port: number): Promise<string | undefined> {
  return holderOf(await socketInodes(port, ["/proc/net/udp", "/proc/net/udp6"]));
}

/** The holder of a TCP port, like {@link udpPortHolder}. */
export async function tcpPortHolder(port: number): Promise<string | undefined> {
  return holderOf(await socketInodes(port, ["/proc/net/tcp", "/proc/net/tcp6"]));
}

async function holderOf(inodes: ReadonlySet<string>): Promise<string | undefined> {
  if (inodes.size === 0) return undefined;
  for (const pid of await entries("/proc")) {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) continue;
    if (await holdsAny(pid, inodes)) return `${await commandName(pid)}, pid ${pid}`;
  }
  return undefined;
}

/** Socket inodes bound to the port, from the kernel's table: local address in the second column, inode in the tenth. */
async function socketInodes(port: number, files: readonly string[]): Promise<ReadonlySet<string>> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const tables = await Promise.all(files.map(readText));
  const rows = tables.flatMap((table) => table.split("\n").slice(1)).map((line) => line.trim().split(/\s+/));
  return new Set(rows.filter((row) => row[1]?.endsWith(suffix)).map((row) => `socket:[${row[9]}]`));
}

async function holdsAny(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await entries(`/proc/${pid}/fd`);
  const targets = await Promise.all(descriptors.map((fd) => linkTarget(`/proc/${pid}/fd/${fd}`)));
  return targets.some((target) => inodes.has(target));
}

async function commandName(pid: string): Promise<string> {
  return (await readText(`/proc/${pid}/comm`)).trim() || "a process";
}

/** Processes come and go while /proc is read: what has vanished is empty. */
async function readText(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

async function entries(path: string): Promise<readonly string[]> {
  return readdir(path).catch(() => []);
}

async function linkTarget(path: string): Promise<string> {
  return readlink(path).catch(() => "");
}
