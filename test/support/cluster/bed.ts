/**
 * The cluster lab's bed: one namespace with a bridge, the world outside on one address of it, a real appliance on another, and
 * machines. Nothing in it has a route to anywhere else.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ConfigInput } from "../../../src/config/schema.ts";
import { Appliance } from "../appliance.ts";
import { hostMirrors } from "../debian-release.ts";
import { addAddons } from "../kubernetes-addons.ts";
import { addKubeVip } from "../kubernetes-kube-vip.ts";
import { bringUpstream } from "../kubernetes-upstream.ts";
import { createNamespace, type Namespace, needsPrograms, needsRoot } from "../netns.ts";
import { Upstream } from "../upstream.ts";
import { install } from "./install.ts";
import { Kubectl } from "./kubectl.ts";
import { type LabMember, macOf } from "./lab-cluster.ts";
import { removeLeftovers } from "./leftovers.ts";
import { ClusterMachine } from "./machine.ts";
import { bringRootfs } from "./rootfs.ts";
import { UpstreamServers } from "./upstream-servers.ts";

export const APPLIANCE = "10.78.0.1";
export const OUTSIDE = "10.78.0.2";
const BRIDGE = "lan0";
const MUSTER = path.join(import.meta.dirname, "../../../src/cli/muster.ts");
const POLL_MS = 500;
/** How long a failed step may go on failing. */
const PATIENCE_MS = 240_000;
const BOOT_URL = `http://${APPLIANCE}:8080`;

/** Skips a test where clusters cannot be had; returns whether it was skipped. */
export function needsClusterLab(t: TestContext): boolean {
  const programs = [
    "systemd-nspawn",
    "ip",
    "nsenter",
    "mmdebstrap",
    "docker-registry",
    "flock",
    "go",
    "gcc",
    "curl",
  ];
  return needsRoot(t) || needsPrograms(t, ...programs);
}

/** Whoever closes the bed in the end: a test does. */
export interface Closing {
  after(close: () => Promise<void>): void;
}

export class ClusterBed {
  readonly namespace: Namespace;
  readonly directory: string;
  readonly appliance: Appliance;
  readonly outside: UpstreamServers;
  readonly machines = new Map<string, ClusterMachine>();
  readonly #archive: Upstream;
  readonly #rootfs: string;
  readonly #started = performance.now();

  private constructor(parts: {
    readonly namespace: Namespace;
    readonly directory: string;
    readonly appliance: Appliance;
    readonly outside: UpstreamServers;
    readonly archive: Upstream;
    readonly rootfs: string;
  }) {
    this.namespace = parts.namespace;
    this.directory = parts.directory;
    this.appliance = parts.appliance;
    this.outside = parts.outside;
    this.#archive = parts.archive;
    this.#rootfs = parts.rootfs;
  }

  /** Brings everything, starts the appliance; `config` is laid over the bed's own, section by section. */
  static async open(
    t: Closing,
    config: ConfigInput = {},
    { addons = false, kubeVip = false }: { readonly addons?: boolean; readonly kubeVip?: boolean } = {},
  ): Promise<ClusterBed> {
    await removeLeftovers();
    const upstream = await bringUpstream();
    if (addons) await addAddons(upstream.directory);
    if (kubeVip) await addKubeVip(upstream.directory);
    const rootfs = await bringRootfs();
    const directory = await mkdtemp(path.join(tmpdir(), "muster-cluster-"));
    await writeFile(path.join(directory, "owner"), String(process.pid));
    const namespace = await createNamespace("cluster");
    await namespace.addBridge(BRIDGE, `${APPLIANCE}/24`);
    await namespace.must("ip", "address", "add", `${OUTSIDE}/24`, "dev", BRIDGE);
    const archive = await Upstream.open(namespace, directory);
    const outside = await UpstreamServers.start({ namespace, address: OUTSIDE, upstream, directory });
    const own = await bedConfig(archive, outside);
    const appliance = new Appliance({
      namespace,
      directory: path.join(directory, "appliance"),
      config: { ...own, ...config },
    });
    const bed = new ClusterBed({ namespace, directory, appliance, outside, archive, rootfs });
    t.after(() => bed.close());
    await appliance.start();
    return bed;
  }

  /** Seconds since the bed was opened. */
  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** A machine that was added before. */
  machine(name: string): ClusterMachine {
    const machine = this.machines.get(name);
    if (!machine) throw new RangeError(`the bed has no machine ${name}`);
    return machine;
  }

  /** A machine that is switched off and has a blank disk. */
  addMachine(name: string, mac: string): ClusterMachine {
    const machine = new ClusterMachine({
      name,
      mac,
      namespace: this.namespace,
      bridge: BRIDGE,
      directory: path.join(this.directory, "machines", name),
      rootfs: this.#rootfs,
    });
    this.machines.set(name, machine);
    return machine;
  }

  /** Installs a machine that the appliance knows: what follows is its first boot. */
  async install(machine: ClusterMachine): Promise<void> {
    await install({
      machine,
      namespace: this.namespace,
      bootUrl: BOOT_URL,
      codename: "trixie",
      lists: path.join(this.directory, "apt-lists"),
    });
  }

  /** `muster apply -f` of one file. */
  async apply(text: string): Promise<void> {
    const file = path.join(this.directory, "cluster.yaml");
    await writeFile(file, text);
    await this.muster(["apply", "-f", file]);
  }

  /** Runs a command of the appliance's own CLI beside it, which must succeed, and returns what it wrote. */
  async muster(args: readonly string[]): Promise<string> {
    const where = { cwd: this.appliance.directory, timeout: 120_000 };
    const { code, stdout, stderr } = await this.namespace.run(process.execPath, [MUSTER, ...args], where);
    if (code !== 0) throw new Error(`muster ${args.join(" ")}: exit ${code}\n${stderr}${stdout}`);
    return stdout;
  }

  /** kubectl with an administrator's kubeconfig of a cluster. */
  async kubectl(cluster: string): Promise<Kubectl> {
    const text = await this.muster(["kubeconfig", cluster]);
    return Kubectl.with({ namespace: this.namespace, directory: this.directory, text });
  }

  /** Installs members; none of them is on yet. */
  async installAll(wanted: readonly LabMember[]): Promise<readonly ClusterMachine[]> {
    const machines = wanted.map((member) => this.addMachine(member.name, macOf(member)));
    for (const machine of machines) await this.install(machine);
    return machines;
  }

  /**
   * Waits until the appliance holds every one of these machines for ready; the limit is in seconds for all. The appliance may be
   * gone meanwhile, and a step may fail and be tried again; a machine that stays failed is given up.
   */
  async waitForReady(wanted: readonly Pick<LabMember, "name">[], seconds: number): Promise<void> {
    const deadline = performance.now() + seconds * 1000;
    for (const { name } of wanted) {
      let failing = 0;
      for (;;) {
        const machine = await this.appliance.machine(name).catch(() => undefined);
        if (machine?.state === "ready") break;
        failing = machine?.state === "failed" ? failing + 1 : 0;
        if (failing * POLL_MS > PATIENCE_MS || performance.now() > deadline) {
          const why = machine?.failure?.reason ?? machine?.stage ?? "";
          throw new Error(`${name} is ${machine?.state ?? "unknown"}: ${why}\n\n${this.report()}`);
        }
        await delay(POLL_MS);
      }
    }
  }

  /** The consoles' ends and the appliance's log, for a test that failed. */
  report(): string {
    const consoles = [...this.machines.values()].map((machine) => machine.lastWords());
    return [...consoles, this.appliance.log.slice(-4000)].join("\n\n");
  }

  /** Switches everything off and removes it, but for the directory when LAB_KEEP is set. */
  async close(): Promise<void> {
    await Promise.all([...this.machines.values()].map((machine) => machine.remove()));
    await this.appliance.stop();
    await this.namespace.delete();
    await this.#archive.close();
    if (process.env["LAB_KEEP"]) await this.#keep();
    else await rm(this.directory, { recursive: true, force: true });
  }

  async #keep(): Promise<void> {
    const consoles = path.join(this.directory, "consoles");
    await mkdir(consoles, { recursive: true });
    for (const machine of this.machines.values()) {
      await writeFile(path.join(consoles, machine.name), machine.lastWords(Number.POSITIVE_INFINITY));
    }
    console.log(`kept: ${this.directory}`);
  }
}

async function bedConfig(archive: Upstream, outside: UpstreamServers): Promise<ConfigInput> {
  const mirrors = await hostMirrors();
  return {
    network: {
      interface: BRIDGE,
      address: APPLIANCE,
      subnets: [{ cidr: "10.78.0.0/24", router: APPLIANCE, dns: [OUTSIDE], domain: "lab.test" }],
    },
    dhcp: { mode: "server" },
    tftp: { enabled: false },
    syslog: { enabled: false },
    images: outside.config.images,
    mirrors: {
      debian: { upstream: mirrors.debian, proxy: archive.proxyUrl },
      debianSecurity: { upstream: mirrors.security, proxy: archive.proxyUrl },
      ...outside.config.mirrors,
    },
    log: { level: "info", format: "json" },
  };
}
