/** A server and its load in two namespaces, each on a processor of its own where there are two. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createNamespace, type Daemon, type Namespace, programPath } from "../support/netns.ts";

export const SERVER = "10.90.0.1";
export const LOAD = "10.90.0.2";

export interface UdpBed {
  readonly directory: string;
  readonly load: Namespace;
  /** Starts a server pinned to the first processor. */
  serve(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): Daemon;
  /** Program and arguments as they run pinned to the second processor. */
  pinned(program: string, args: readonly string[]): readonly [string, readonly string[]];
}

/** One line of a result table: ours beside a peer in the same run. */
export interface BenchRow {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
  /** ours divided by theirs. */
  readonly ratio: number;
}

export type Bench =
  | { readonly kind: "measured"; readonly rows: readonly BenchRow[] }
  | { readonly kind: "skipped"; readonly what: string; readonly reason: string };

/** Why the bench cannot run here; undefined when it can. */
export function missingFor(...programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return "needs root: creates network namespaces";
  const missing = programs.filter((program) => programPath(program) === undefined);
  return missing.length > 0 ? `needs ${missing.join(", ")}: not installed` : undefined;
}

/** Builds the bed, lets `work` use it and takes it down. */
export async function withUdpBed<T>(work: (bed: UdpBed) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "muster-bench-"));
  const server = await createNamespace("bench");
  const load = await createNamespace("bench");
  try {
    await connect(
      { namespace: server, name: "eth0", address: `${SERVER}/16` },
      { namespace: load, name: "eth0", address: `${LOAD}/16` },
    );
    return await work({
      directory,
      load,
      serve: (program, args, env = {}) =>
        server.spawn(...onProcessor(0, program, args), { env, cwd: directory }),
      pinned: (program, args) => onProcessor(1, program, args),
    });
  } finally {
    await Promise.all([server.delete(), load.delete()]);
    await rm(directory, { recursive: true, force: true });
  }
}

/** Seconds of processor time that a process has used; pinning executes in place, so the child is the server itself. */
export function cpuSeconds(daemon: Daemon): number {
  const stat = readFileSync(`/proc/${daemon.child.pid ?? 0}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export function row(line: Omit<BenchRow, "ratio">): BenchRow {
  const ratio = line.theirs > 0 ? Math.round((line.ours / line.theirs) * 100) / 100 : 0;
  return { ...line, ours: Math.round(line.ours), theirs: Math.round(line.theirs), ratio };
}

function onProcessor(
  number: number,
  program: string,
  args: readonly string[],
): readonly [string, readonly string[]] {
  if (availableParallelism() < 2 || programPath("taskset") === undefined) return [program, args];
  return ["taskset", ["-c", String(number), program, ...args]];
}
