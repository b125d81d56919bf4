/**
 * Every etcd cluster that ever was on the disks of some machines: the first record of each write-ahead log names its cluster,
 * whether etcd runs or not and whether the machine is on.
 */
import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import path from "node:path";
import type { ClusterMachine } from "./machine.ts";
import { walClusterId } from "./wal-cluster-id.ts";

const EVERY_MS = 300;
const HEAD_BYTES = 512;

export class EtcdWatch {
  readonly #seen = new Map<string, Set<string>>();
  readonly #timer: NodeJS.Timeout;

  /** Looks until it is stopped. */
  constructor(machines: readonly ClusterMachine[]) {
    this.#timer = setInterval(() => {
      for (const machine of machines) this.#look(machine);
    }, EVERY_MS);
  }

  /** The ids seen so far, each with the machines that held it. */
  get ids(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#seen;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** @throws Error when more than the one cluster was ever there, or another one */
  mustBeOnly(id: string): void {
    const said = [...this.#seen].map(([each, names]) => `${each} on ${[...names].sort().join(", ")}`);
    if (this.#seen.size !== 1 || !this.#seen.has(id)) {
      throw new Error(`etcd's cluster is ${id}; seen on the disks: ${said.join("; ") || "none"}`);
    }
  }

  #look({ name, etcdDirectory }: ClusterMachine): void {
    const directory = path.join(etcdDirectory, "member/wal");
    const id = firstLog(directory)
      .map((file) => walClusterId(head(path.join(directory, file))))
      .at(0);
    if (id === undefined) return;
    const holders = this.#seen.get(id) ?? new Set();
    this.#seen.set(id, holders.add(name));
  }
}

function firstLog(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((file) => file.endsWith(".wal"))
      .sort()
      .slice(0, 1);
  } catch {
    return [];
  }
}

/** A log that is removed meanwhile is an empty one. */
function head(file: string): Buffer {
  try {
    const open = openSync(file, "r");
    const bytes = Buffer.alloc(HEAD_BYTES);
    const count = readSync(open, bytes, 0, HEAD_BYTES, 0);
    closeSync(open);
    return bytes.subarray(0, count);
  } catch {
    return Buffer.alloc(0);
  }
}
