/**
 * One machine of the cluster lab: a systemd-nspawn container that boots its own systemd in cgroups of its own, with a NIC whose
 * MAC stays. Its "disk" outlives its power.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { run } from "../debian-release.ts";
import {
  connect,
  createNamespace,
  execute,
  type Namespace,
  type ProgramResult,
  type RunOptions,
} from "../netns.ts";
import { cgroupScript, freezerOf, removeCgroups } from "./cgroups.ts";
import { freeze, killFrozen, thaw } from "./freezer.ts";

/** Directories of their own: an overlay file system cannot hold another one, nor etcd's locks. */
const DIRECTORIES = {
  containerd: "/var/lib/containerd",
  kubelet: "/var/lib/kubelet",
  etcd: "/var/lib/etcd",
  logs: "/var/log/pods",
} as const;
const NIC = "ens3";
const DEVICES = ["/dev/kmsg", "/dev/fuse", "/dev/net/tun"];
/** systemd 257 boots on this host's cgroups of the first version only when it is told to. */
const BOOT_ARGUMENTS = ["SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1", "systemd.unified_cgroup_hierarchy=0"];

export interface ClusterMachineOptions {
  readonly name: string;
  readonly mac: string;
  readonly namespace: Namespace;
  readonly bridge: string;
  /** Holds its disk and outlives it. */
  readonly directory: string;
  /** Tree below its own files. */
  readonly rootfs: string;
}

/** A line of the console with seconds since the bed's clock started. */
export interface ConsoleLine {
  readonly at: number;
  readonly text: string;
}

export class ClusterMachine {
  readonly name: string;
  readonly console: ConsoleLine[] = [];
  readonly #options: ClusterMachineOptions;
  #process: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(options: ClusterMachineOptions) {
    this.#options = options;
    this.name = options.name;
  }

  get mac(): string {
    return this.#options.mac;
  }

  /** Its file system as this host sees it, while it is mounted. */
  get root(): string {
    return path.join(this.#options.directory, "root");
  }

  /** Machines of two beds may have the same name. */
  get #group(): string {
    return `${this.#options.namespace.name}-${this.name}`;
  }

  /** Its own group of the freezer: every process of the machine is in it or below. */
  get freezer(): string {
    return freezerOf(this.#group);
  }

  /** What this host sees as its etcd's data, whether it is on or not. */
  get etcdDirectory(): string {
    return path.join(this.#options.directory, "etcd");
  }

  get isOn(): boolean {
    return this.#process !== undefined;
  }

  /** Mounts its disk; a blank one is the rootfs. */
  async mountDisk(): Promise<void> {
    const { directory, rootfs } = this.#options;
    for (const part of ["upper", "work", "root", ...Object.keys(DIRECTORIES)]) {
      await mkdir(path.join(directory, part), { recursive: true });
    }
    const layers = `lowerdir=${rootfs},upperdir=${directory}/upper,workdir=${directory}/work`;
    await run("mount", ["-t", "overlay", "-o", layers, "overlay", this.root]);
  }

  /** Unmounts the disk and wipes it: the next mount finds a blank one. */
  async wipeDisk(): Promise<void> {
    await this.powerOff();
    await execute("umount", ["--lazy", this.root]);
    await rm(this.#options.directory, { recursive: true, force: true });
  }

  /** Connects power: the machine boots what is on its disk. */
  async powerOn(): Promise<void> {
    if (this.#process) throw new Error(`${this.name} is on already`);
    const network = await this.#plugIn();
    const child = spawn("sh", ["-c", cgroupScript(this.#group), "sh", ...this.#nspawn(network)], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: {
        ...process.env,
        SYSTEMD_NSPAWN_API_VFS_WRITABLE: "1",
        SYSTEMD_SECCOMP: "0",
        SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "0",
      },
    });
    for (const stream of [child.stdout, child.stderr]) this.#listen(stream);
    this.#process = child;
    this.#ended = once(child, "close").then(async () => {
      this.#process = undefined;
      await network.delete();
    });
  }

  /** Cuts the power: nothing in the machine gets to do anything any more. */
  async powerOff(): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined) return;
    const init = await this.#init();
    if (init === undefined) kill(child.pid);
    else {
      // Without the standstill some would go on for a moment, and report that others are gone.
      await freeze(this.freezer);
      killFrozen(this.freezer, child.pid);
      thaw(this.freezer);
    }
    const late = setTimeout(() => kill(child.pid ?? 0), 10_000);
    await this.#ended;
    clearTimeout(late);
  }

  /** Runs a program inside; never rejects because of its exit code. */
  async run(program: string, args: readonly string[] = [], options: RunOptions = {}): Promise<ProgramResult> {
    const init = await this.#init();
    if (init === undefined) return { code: -1, stdout: "", stderr: `${this.name} is off` };
    const inside = ["-t", String(init), "-m", "-u", "-i", "-n", "-p", "-C", "env", "-i"];
    const environment = [
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOME=/root",
      "TERM=dumb",
    ];
    return execute("nsenter", [...inside, ...environment, program, ...args], options);
  }

  /** Runs a line of shell inside that must succeed, and returns what it wrote. */
  async must(line: string, options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run("sh", ["-c", line], options);
    if (code !== 0) throw new Error(`${this.name}: ${line}: exit ${code}\n${stderr}${stdout}`);
    return stdout;
  }

  /** Waits until the console shows what is wanted, counted from line `from`. */
  async waitForConsole(
    pattern: RegExp,
    { seconds, from = 0 }: { seconds: number; from?: number },
  ): Promise<void> {
    const deadline = performance.now() + seconds * 1000;
    while (!this.console.slice(from).some(({ text }) => pattern.test(text))) {
      if (performance.now() > deadline)
        throw new Error(`${this.name} did not say ${pattern}:\n${this.lastWords()}`);
      await delay(50);
    }
  }

  /** The end of the console. */
  lastWords(lines = 40): string {
    return this.console
      .slice(-lines)
      .map(({ at, text }) => `${at.toFixed(1).padStart(8)} ${this.name}| ${text}`)
      .join("\n");
  }

  /** Switches off, unmounts, and takes its cgroups away. */
  async remove(): Promise<void> {
    await this.powerOff();
    await execute("umount", ["--lazy", this.root]);
    await removeCgroups(this.#group);
  }

  /** A network of its own with one NIC, cabled to the bridge; all of it goes with the machine's power. */
  async #plugIn(): Promise<Namespace> {
    const { namespace, bridge, mac, name } = this.#options;
    const own = await createNamespace(`node-${name}`);
    await connect(
      { namespace: own, name: NIC, mac },
      { namespace, name: `port-${name}`.slice(0, 15), bridge },
    );
    await own.must("ip", "link", "set", NIC, "down");
    return own;
  }

  #nspawn(network: Namespace): readonly string[] {
    const { directory, name } = this.#options;
    const binds = Object.entries(DIRECTORIES).map(
      ([part, inside]) => `--bind=${directory}/${part}:${inside}`,
    );
    return [
      // From inside the network: the container's /sys then shows this network's NIC, and udev finds it.
      ...["nsenter", `--net=/run/netns/${network.name}`, "systemd-nspawn", "--quiet", "--boot"],
      ...[`--directory=${this.root}`, `--machine=${name}`],
      ...["--register=no", "--keep-unit", "--capability=all", "--resolv-conf=off", "--timezone=off"],
      ...[...DEVICES.map((device) => `--bind=${device}`), ...binds],
      ...BOOT_ARGUMENTS,
    ];
  }

  async #init(): Promise<number | undefined> {
    const pid = this.#process?.pid;
    if (pid === undefined) return undefined;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
    for (const child of children.split(" ").filter(Boolean)) {
      const status = await readFile(`/proc/${child}/status`, "utf8").catch(() => "");
      if (/^NSpid:.*\s1$/m.test(status)) return Number(child);
    }
    return undefined;
  }

  #listen(stream: Readable): void {
    let rest = "";
    stream.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const text of lines) this.console.push({ at: performance.now() / 1000, text });
    });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
