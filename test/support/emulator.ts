/**
 * Which QEMU runs the lab's machines. Emulating a processor, QEMU before 9 takes three to four times as long for a program that
 * starts others as QEMU 10 does, and starting programs is most of what an installer does; so where the host's own is old, the one
 * from its release's backports is unpacked beside it. Nothing on the host is changed, and without backports its own does.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { cacheDirectory } from "./cache.ts";
import { DebianRelease, run } from "./debian-release.ts";
import { execute } from "./netns.ts";

const OWN = "qemu-system-x86_64";
const QUICK_SINCE = 9;
const PACKAGES = ["qemu-system-x86", "qemu-system-common", "qemu-system-data", "seabios"];
/** Where the host's packages keep boot ROMs. */
const HOST_ROMS = ["/usr/share/qemu", "/usr/share/seabios", "/usr/lib/ipxe/qemu"];

/** A program and the arguments that it needs to find its own files. */
export interface Emulator {
  readonly program: string;
  readonly arguments: readonly string[];
}

/** The host's QEMU where it is quick, else that of the backports, else the host's all the same. */
export async function findEmulator(): Promise<Emulator> {
  const own = { program: OWN, arguments: [] };
  if ((await majorVersion(OWN)) >= QUICK_SINCE) return own;
  const newer = await fromBackports().catch((error: unknown) => {
    console.log(`QEMU of the backports cannot be had, the host's takes its time: ${String(error)}`);
    return undefined;
  });
  return newer ?? own;
}

async function fromBackports(): Promise<Emulator | undefined> {
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile("/etc/os-release", "utf8"))?.[1];
  if (codename === undefined) return undefined;
  const suite = `${codename}-backports`;
  const home = path.join(cacheDirectory(), "lab", suite);
  const archive = await DebianRelease.open({ suite, directory: path.join(home, "apt") });
  const version = await archive.version(PACKAGES[0] ?? "");
  const root = path.join(home, `qemu-${version.replaceAll(":", "_")}`);
  if (!existsSync(root)) await unpack(archive, root);
  const program = path.join(root, "usr/bin", OWN);
  if ((await majorVersion(program)) < QUICK_SINCE) return undefined;
  const roms = [path.join(root, "usr/share/qemu"), path.join(root, "usr/share/seabios"), ...HOST_ROMS];
  return { program, arguments: roms.flatMap((directory) => ["-L", directory]) };
}

async function unpack(archive: DebianRelease, root: string): Promise<void> {
  const unfinished = `${root}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  for (const name of PACKAGES) await archive.unpack(name, unfinished);
  await run(path.join(unfinished, "usr/bin", OWN), ["--version"]);
  await rename(unfinished, root);
}

/** 0 when the program is missing or lacks a library. */
async function majorVersion(program: string): Promise<number> {
  const { stdout } = await execute(program, ["--version"]).catch(() => ({ stdout: "" }));
  return Number(/version (\d+)\./.exec(stdout)?.[1] ?? 0);
}
