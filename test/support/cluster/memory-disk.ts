/** A second disk for a machine of the lab: a block device of compressed memory, which every program takes for a disk. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { run } from "../debian-release.ts";
import { execute } from "../netns.ts";
import type { ClusterMachine } from "./machine.ts";

const CONTROL = "/sys/class/zram-control";

export class MemoryDisk {
  readonly path: string;
  readonly #number: string;

  private constructor(number: string) {
    this.#number = number;
    this.path = `/dev/zram${number}`;
  }

  /** A blank disk; undefined where the kernel has none of this kind. */
  static async add(bytes: number): Promise<MemoryDisk | undefined> {
    await execute("modprobe", ["zram"]);
    const number = await readFile(`${CONTROL}/hot_add`, "utf8").catch(() => undefined);
    if (number === undefined) return undefined;
    const disk = new MemoryDisk(number.trim());
    await writeFile(`/sys/block/zram${disk.#number}/disksize`, String(bytes));
    return disk;
  }

  /** Puts it into a machine whose own disk is mounted: its device is there at every boot. */
  async putInto(machine: ClusterMachine): Promise<void> {
    const { rdev } = await stat(this.path);
    const device = `${rdev >> 8}:${rdev & 255}`;
    const directory = path.join(machine.root, "etc/tmpfiles.d");
    await mkdir(directory, { recursive: true });
    await writeFile(path.join(directory, "disk.conf"), `b ${this.path} 0660 root disk - ${device}\n`);
  }

  /** Writes a file system, as somebody who used the disk before. */
  async format(): Promise<void> {
    await run("mkfs.ext4", ["-q", "-F", this.path]);
  }

  /** Takes every signature off, as a person does who wants nothing of it. */
  async clear(): Promise<void> {
    await run("wipefs", ["--all", "--quiet", this.path]);
  }

  /** A digest of every byte. */
  async digest(): Promise<string> {
    const hash = createHash("sha256");
    await pipeline(createReadStream(this.path), hash);
    return hash.digest("hex");
  }

  /** Gives the memory back; nothing may have it open any more. */
  async remove(): Promise<void> {
    await writeFile(`/sys/block/zram${this.#number}/reset`, "1");
    await writeFile(`${CONTROL}/hot_remove`, this.#number);
  }
}
