/**
 * The lab's bed: one namespace with a bridge, an appliance on it that reaches the archive through a unix socket alone, and taps
 * for virtual machines. Nothing in it has a route to anywhere else.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import type { ConfigInput } from "../../src/config/schema.ts";
import { type Acceleration, findAcceleration } from "./acceleration.ts";
import { Appliance } from "./appliance.ts";
import { cacheDirectory } from "./cache.ts";
import { hostMirrors, run } from "./debian-release.ts";
import { type Emulator, findEmulator } from "./emulator.ts";
import { withFileLock } from "./file-lock.ts";
import { installerExtras } from "./installer-extras.ts";
import { createNamespace, type Namespace, needsPrograms, needsRoot } from "./netns.ts";
import { type MachineOptions, VirtualMachine } from "./qemu.ts";
import { Upstream } from "./upstream.ts";

export const ADDRESS = "10.77.0.1";
const BRIDGE = "boot0";
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/**
 * What makes an installation quicker on an emulated processor, each an option of the stock kernel or installer; on a busy host
 * the kernel's trial of its timer fails, so it is left out.
 */
export const QUICK: readonly string[] = [
  "mitigations=off",
  "no_timer_check",
  "ipv6.disable=1",
  "anna/choose_modules=eatmydata-udeb",
  "base-installer/initramfs-tools/driver-policy=dep",
];

/** Skips a test where virtual machines or namespaces cannot be had; returns whether it was skipped. */
export function needsLab(t: TestContext): boolean {
  return (
    needsRoot(t) ||
    needsPrograms(
      t,
      "qemu-system-x86_64",
      "qemu-img",
      "ip",
      "nsenter",
      "cpio",
      "apt-get",
      "dpkg-deb",
      "depmod",
    )
  );
}

/** What a test powers on: the lab adds namespace, tap and directory. */
export type LabMachine = Omit<
  MachineOptions,
  "namespace" | "tap" | "directory" | "acceleration" | "emulator"
>;

/** Starts what an appliance of this bed needs besides, and returns the configuration that names it. */
export type LabConfig = (bed: {
  readonly namespace: Namespace;
  readonly directory: string;
  readonly bridge: string;
}) => Promise<ConfigInput>;

export class Lab {
  readonly namespace: Namespace;
  readonly directory: string;
  readonly appliance: Appliance;
  readonly upstream: Upstream;
  readonly acceleration: Acceleration;
  readonly #emulator: Emulator;
  readonly #taps = new Map<string, string>();
  readonly #machines = new Set<VirtualMachine>();

  private constructor(parts: {
    readonly namespace: Namespace;
    readonly directory: string;
    readonly appliance: Appliance;
    readonly upstream: Upstream;
    readonly acceleration: Acceleration;
    readonly emulator: Emulator;
  }) {
    this.namespace = parts.namespace;
    this.directory = parts.directory;
    this.appliance = parts.appliance;
    this.upstream = parts.upstream;
    this.acceleration = parts.acceleration;
    this.#emulator = parts.emulator;
  }

  /**
   * Builds the bed and starts the appliance; `config` is laid over the lab's own, section by section, mirror by mirror. What
   * it names in the bed may be started first: it is asked for when the bed stands. `from` is the directory of an earlier run
   * that was kept: the appliance's data and the machines' disks are copied, and this run goes on with them.
   */
  static async open(
    config: ConfigInput | LabConfig = {},
    { from }: { readonly from?: string } = {},
  ): Promise<Lab> {
    const early = (): never => process.exit(130);
    for (const signal of SIGNALS) process.once(signal, early);
    const { extras, acceleration, emulator } = await bringEquipment();
    const directory = await mkdtemp(path.join(tmpdir(), "muster-lab-"));
    if (from !== undefined) await copyKept(from, directory);
    const namespace = await createNamespace("lab");
    await namespace.addBridge(BRIDGE, `${ADDRESS}/24`);
    const upstream = await Upstream.open(namespace, directory);
    const own = await labConfig(upstream, extras);
    const more =
      typeof config === "function" ? await config({ namespace, directory, bridge: BRIDGE }) : config;
    const appliance = new Appliance({
      namespace,
      directory: path.join(directory, "appliance"),
      config: { ...own, ...more, mirrors: { ...own.mirrors, ...more.mirrors } },
    });
    const lab = new Lab({
      namespace,
      directory,
      appliance,
      upstream,
      acceleration,
      emulator,
    });
    for (const signal of SIGNALS) process.off(signal, early).once(signal, lab.#interrupted);
    await appliance.start().catch(async (error: unknown) => {
      await lab.close();
      throw error;
    });
    return lab;
  }

  /** Powers a machine on; the same name again is the same machine: its firmware's variables and its tap stay. */
  async powerOn(options: LabMachine): Promise<VirtualMachine> {
    const directory = this.machineDirectory(options.name);
    await mkdir(directory, { recursive: true });
    const tap = await this.#tap(options.name);
    const machine = await VirtualMachine.powerOn({
      ...options,
      namespace: this.namespace,
      tap,
      directory,
      acceleration: this.acceleration,
      emulator: this.#emulator,
    });
    this.#machines.add(machine);
    return machine;
  }

  /** Pulls a machine's network cable, or plugs it in again. */
  async setCable(name: string, state: "in" | "out"): Promise<void> {
    const where = state === "in" ? ["master", BRIDGE] : ["nomaster"];
    await this.namespace.must("ip", "link", "set", await this.#tap(name), ...where);
  }

  /** Where a machine's disks, firmware variables and console log are. */
  machineDirectory(name: string): string {
    return path.join(this.directory, "machines", name);
  }

  /** A run that is interrupted leaves nothing behind either. */
  readonly #interrupted = (): void => void this.close().finally(() => process.exit(130));

  /** Powers everything off and removes it, but for the directory when LAB_KEEP is set. Idempotent. */
  async close(): Promise<void> {
    for (const signal of SIGNALS) process.off(signal, this.#interrupted);
    await Promise.all([...this.#machines].map((machine) => machine.powerOff()));
    await this.appliance.stop();
    await this.namespace.delete();
    await this.upstream.close();
    if (process.env["LAB_KEEP"]) console.log(`kept: ${this.directory}`);
    else await rm(this.directory, { recursive: true, force: true });
  }

  async #tap(machine: string): Promise<string> {
    const known = this.#taps.get(machine);
    if (known !== undefined) return known;
    const tap = `tap${this.#taps.size}`;
    await this.namespace.addTap(tap, BRIDGE);
    this.#taps.set(machine, tap);
    return tap;
  }
}

/** What every lab needs and the cache keeps: two labs that open at the same moment must not both be at it. */
function bringEquipment(): Promise<{
  readonly extras: string | undefined;
  readonly acceleration: Acceleration;
  readonly emulator: Emulator;
}> {
  return withFileLock(path.join(cacheDirectory(), "lab", "lock"), async () => {
    const { file, kernel } = await installerExtras();
    return { extras: file, acceleration: await findAcceleration(kernel), emulator: await findEmulator() };
  });
}

/** By cp, which knows holes of disks and leaves sockets what they are. */
async function copyKept(from: string, to: string): Promise<void> {
  const kept = ["appliance", "machines"].map((part) => path.join(from, part));
  await run("cp", ["-a", "--sparse=always", "--reflink=auto", ...kept, to]);
}

/** An appliance that serves DHCP on the bridge and installs through its own mirror. */
async function labConfig(upstream: Upstream, extras: string | undefined): Promise<ConfigInput> {
  const mirrors = await hostMirrors();
  return {
    network: {
      interface: BRIDGE,
      address: ADDRESS,
      subnets: [
        { cidr: "10.77.0.0/24", pools: [{ from: "10.77.0.50", to: "10.77.0.99" }], domain: "lab.test" },
      ],
    },
    dhcp: { mode: "server" },
    mirrors: {
      debian: { upstream: mirrors.debian, proxy: upstream.proxyUrl },
      debianSecurity: { upstream: mirrors.security, proxy: upstream.proxyUrl },
    },
    assets: { initrdExtras: extras === undefined ? [] : [{ os: "debian-13", file: extras }] },
    log: { level: "info", format: "json" },
  };
}
