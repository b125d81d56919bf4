/**
 * Network namespaces for the interop and lab tests: created with unique names, deleted with everything in them.
 * No link ever leads from one of them to the host.
 */
import { type ChildProcessByStdio, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

/** How a program ended and what it wrote. `code` is -1 when a signal ended it. */
export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Milliseconds before the program is killed; 30,000 when left out. */
  readonly timeout?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  /** Leaves standard input open, for a program that is asked questions. */
  readonly openInput?: boolean;
}

/** A program that keeps running inside a namespace. */
export interface Daemon {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Everything it wrote so far, both streams. */
  output(): string;
  /** Resolves when the output matches; rejects when it ends or the time (milliseconds) is over. */
  waitFor(pattern: RegExp, timeout?: number): Promise<RegExpExecArray>;
  /** Sends SIGTERM, after two seconds SIGKILL, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number>;
}

/** One end of a virtual cable. */
export interface CableEnd {
  readonly namespace: Namespace;
  readonly name: string;
  /** Address with prefix: `10.77.0.1/24`. */
  readonly address?: string;
  readonly mac?: string;
  /** Bridge of the same namespace that this end is plugged into. */
  readonly bridge?: string;
}

let created = 0;
const alive = new Set<Namespace>();
process.once("exit", () => {
  for (const namespace of alive) spawnSync("ip", ["netns", "delete", namespace.name]);
});

/** Skips the test unless it runs as root; returns whether it was skipped. */
export function needsRoot(t: TestContext): boolean {
  if (process.getuid?.() === 0) return false;
  t.skip("needs root: creates network namespaces");
  return true;
}

/** Skips the test unless every program is installed; returns whether it was skipped. */
export function needsPrograms(t: TestContext, ...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => programPath(program) === undefined);
  if (missing.length === 0) return false;
  t.skip(`needs ${missing.join(", ")}: not installed`);
  return true;
}

/** Path of an installed program, looked for in PATH and the two sbin directories. */
export function programPath(program: string): string | undefined {
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return directories.map((directory) => join(directory, program)).find(isExecutable);
}

/** Creates a namespace named `mt-<tag>-<pid>-<n>` with its loopback up; deleted at the end of the test `t` when given. */
export async function createNamespace(tag: string, t?: TestContext): Promise<Namespace> {
  const namespace = new Namespace(`mt-${tag}-${process.pid}-${created++}`);
  await must("ip", ["netns", "add", namespace.name]);
  alive.add(namespace);
  t?.after(() => namespace.delete());
  await namespace.must("ip", "link", "set", "lo", "up");
  return namespace;
}

/** Connects two namespaces (or one with itself) by a veth pair, both ends up. */
export async function connect(one: CableEnd, other: CableEnd): Promise<void> {
  const ends = ["type", "veth", "peer", "name", other.name, "netns", other.namespace.name];
  await one.namespace.must("ip", "link", "add", one.name, ...ends);
  for (const end of [one, other]) await plugIn(end);
}

async function plugIn(end: CableEnd): Promise<void> {
  const { namespace, name, address, mac, bridge } = end;
  if (mac !== undefined) await namespace.must("ip", "link", "set", name, "address", mac);
  if (bridge !== undefined) await namespace.must("ip", "link", "set", name, "master", bridge);
  if (address !== undefined) await namespace.must("ip", "address", "add", address, "brd", "+", "dev", name);
  await namespace.must("ip", "link", "set", name, "up");
}

/** A network namespace and the programs in it. */
export class Namespace {
  readonly name: string;
  readonly #daemons = new Set<Daemon>();

  constructor(name: string) {
    this.name = name;
  }

  /** Adds a bridge that forwards at once, optionally with an address (`10.77.0.1/24`). */
  async addBridge(name: string, address?: string): Promise<void> {
    const settings = ["type", "bridge", "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0"];
    await this.must("ip", "link", "add", name, ...settings);
    if (address !== undefined) await this.must("ip", "address", "add", address, "brd", "+", "dev", name);
    await this.must("ip", "link", "set", name, "up");
  }

  /** Adds a tap device plugged into a bridge, for a virtual machine. */
  async addTap(name: string, bridge: string): Promise<void> {
    await this.must("ip", "tuntap", "add", name, "mode", "tap");
    await this.must("ip", "link", "set", name, "master", bridge);
    await this.must("ip", "link", "set", name, "up");
  }

  /**
   * Loses a share of the UDP datagrams that arrive here: of every thousand those that the seed draws, so that the gaps are irregular
   * and yet the same in every run. By nftables, because not every kernel has netem and its seed.
   */
  async loseIncoming(percent: number, seed: number): Promise<void> {
    const drawn = [...drawFromThousand(percent * 10, seed)].join(", ");
    await this.must("nft", "add", "table", "ip", "loss");
    await this.must("nft", "add chain ip loss input { type filter hook input priority 0 ; }");
    await this.must(
      "nft",
      `add rule ip loss input meta l4proto udp numgen inc mod 1000 { ${drawn} } counter drop`,
    );
  }

  /** Runs a program in the namespace to its end; never rejects because of its exit code. */
  run(program: string, args: readonly string[] = [], options: RunOptions = {}): Promise<ProgramResult> {
    return execute("nsenter", [`--net=/run/netns/${this.name}`, program, ...args], options);
  }

  /** Runs a program that must succeed and returns its standard output. */
  must(program: string, ...args: readonly string[]): Promise<string> {
    return must("nsenter", [`--net=/run/netns/${this.name}`, program, ...args]);
  }

  /** Starts a program that keeps running until it is stopped or the namespace is deleted. */
  spawn(program: string, args: readonly string[] = [], options: Omit<RunOptions, "timeout"> = {}): Daemon {
    const child = spawn("nsenter", [`--net=/run/netns/${this.name}`, program, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    if (options.openInput !== true) child.stdin.end(options.input);
    const daemon = watch(child, [program, ...args].join(" "));
    this.#daemons.add(daemon);
    return daemon;
  }

  /** Starts one of our own TypeScript files with this Node. */
  spawnNode(script: string, args: readonly string[] = [], options: Omit<RunOptions, "timeout"> = {}): Daemon {
    return this.spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, ...args], options);
  }

  /** Stops what was started here, kills what it left behind and removes the namespace. Idempotent. */
  async delete(): Promise<void> {
    if (!alive.delete(this)) return;
    await Promise.all([...this.#daemons].map((daemon) => daemon.stop()));
    const left = await execute("ip", ["netns", "pids", this.name]);
    for (const pid of left.stdout.split("\n").filter(Boolean)) kill(Number(pid));
    await execute("ip", ["netns", "delete", this.name]);
  }
}

function watch(child: ChildProcessByStdio<Writable, Readable, Readable>, what: string): Daemon {
  let output = "";
  const collect = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  child.stdin.on("error", (error) => (output += `\n${error.message}`));
  const ended = once(child, "close").then(
    () => child.exitCode ?? -1,
    (error: unknown) => ((output += `\n${String(error)}`), -1),
  );
  let over = false;
  void ended.then(() => (over = true));

  const waitFor = async (pattern: RegExp, timeout = 60_000): Promise<RegExpExecArray> => {
    const deadline = performance.now() + timeout;
    for (;;) {
      const match = pattern.exec(output);
      if (match) return match;
      if (over) throw new Error(`${what} ended before ${pattern}:\n${output}`);
      if (performance.now() > deadline) throw new Error(`${what} did not say ${pattern}:\n${output}`);
      await delay(20);
    }
  };
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number> => {
    if (over) return ended;
    child.kill(signal);
    const force = setTimeout(() => child.kill("SIGKILL"), 20_000);
    const code = await ended;
    clearTimeout(force);
    return code;
  };
  return { child, output: () => output, waitFor, stop };
}

/** Runs a program to its end. */
export async function execute(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      [...args],
      {
        timeout: options.timeout ?? 30_000,
        maxBuffer: 256 * 1024 * 1024,
        env: { ...process.env, ...options.env },
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    child.stdin?.end(options.input);
  });
}

async function must(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await execute(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${code}\n${stderr}${stdout}`);
  return stdout;
}

function kill(pid: number): void {
  spawnSync("kill", ["-9", String(pid)]);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Different numbers below a thousand, as many as asked for: the state of a linear congruential generator, its best bits. */
function drawFromThousand(count: number, seed: number): ReadonlySet<number> {
  const drawn = new Set<number>();
  for (let state = seed; drawn.size < count; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    drawn.add(Math.floor((state / 2 ** 32) * 1000));
  }
  return drawn;
}
