/** One served LAN in namespaces: the appliance on a bridge, clients written by others plugged into it. */
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { DhcpProbeResult } from "../../src/adapters/dhcp/dhcp-probe.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import type { MachineSpecInput } from "../../src/domain/machine-spec.ts";
import type { LeaseRecord } from "../../src/services/ports.ts";
import { connect, createNamespace, type Daemon, type Namespace } from "./netns.ts";

export const SERVER = "10.80.0.1";
const APPLIANCE = new URL("programs/dhcp-appliance.ts", import.meta.url).pathname;
const TALK = new URL("programs/dhcp-talk.ts", import.meta.url).pathname;

export interface LabMachine {
  readonly name: string;
  readonly spec: Partial<MachineSpecInput>;
}

export interface DhcpLabOptions {
  readonly mode?: "proxy" | "server";
  readonly dhcp?: ConfigInput["dhcp"];
  readonly network?: ConfigInput["network"];
  readonly machines?: readonly LabMachine[];
  /** Does not start the appliance. */
  readonly withoutAppliance?: boolean;
}

/** What a DHCP client was told, as its own script saw it. */
export interface Bound {
  readonly reason: string;
  readonly address: string;
  readonly server: string;
  readonly router: string;
  readonly lease: string;
}

const DEFAULT_NETWORK = {
  address: SERVER,
  subnets: [
    {
      cidr: "10.80.0.0/24",
      router: SERVER,
      dns: [SERVER],
      pools: [{ from: "10.80.0.100", to: "10.80.0.199" }],
    },
  ],
} satisfies ConfigInput["network"];

export class DhcpLab {
  readonly server: Namespace;
  readonly directory: string;
  readonly #t: TestContext;
  readonly #options: DhcpLabOptions;
  #daemon: Daemon | undefined;
  #clients = 0;
  #questions = 0;

  constructor(t: TestContext, options: DhcpLabOptions, server: Namespace, directory: string) {
    this.#t = t;
    this.#options = options;
    this.server = server;
    this.directory = directory;
  }

  get daemon(): Daemon {
    if (!this.#daemon) throw new Error("the appliance does not run");
    return this.#daemon;
  }

  /** Starts the appliance, again on the same database after it was killed. */
  async startAppliance(): Promise<void> {
    const { mode = "server", dhcp, network, machines } = this.#options;
    const config = { network: network ?? DEFAULT_NETWORK, dhcp: { mode, ...dhcp } };
    const database = join(this.directory, "muster.db");
    const settings = JSON.stringify({ address: SERVER, database, config, machines });
    this.#daemon = this.server.spawnNode(APPLIANCE, [settings], { openInput: true });
    this.#questions = 0;
    await this.#daemon.waitFor(/"listening"/);
  }

  /** Asks the appliance and waits for its line. */
  async #ask<T>(question: string, key: string): Promise<T> {
    this.daemon.child.stdin.write(`${question}\n`);
    const wanted = ++this.#questions;
    for (let i = 0; i < 500; i++) {
      const lines = this.daemon.output().split("\n").slice(0, -1);
      const answers = lines.filter((line) => /^\{"(counters|leases|servers|decisions|search)":/.test(line));
      const answer = answers[wanted - 1];
      if (answer !== undefined) return (JSON.parse(answer) as Record<string, T>)[key] as T;
      await delay(20);
    }
    throw new Error(`no answer to ${question}:\n${this.daemon.output()}`);
  }

  counters(): Promise<Record<string, number>> {
    return this.#ask("counters", "counters");
  }

  leases(): Promise<readonly LeaseRecord[]> {
    return this.#ask("leases", "leases");
  }

  /** The last decisions about a client: reply or reason of the silence. */
  decisions(mac: string): Promise<
    readonly {
      readonly message: string;
      readonly reply?: string;
      readonly reason?: string;
      readonly because: string;
    }[]
  > {
    return this.#ask(`why ${mac}`, "decisions");
  }

  /** Lets the appliance look for other DHCP servers on the LAN. */
  async searchServers(): Promise<DhcpProbeResult> {
    const link = await this.server.must("ip", "-o", "link", "show", "br0");
    return this.#ask(`search ${/link\/ether (\S+)/.exec(link)?.[1] ?? ""}`, "search");
  }

  /** A machine on the LAN: a namespace with one interface `eth0` of that MAC. */
  async client(mac?: string): Promise<LabClient> {
    const number = this.#clients++;
    const namespace = await createNamespace("dhcp", this.#t);
    await connect(
      { namespace: this.server, name: `port${number}`, bridge: "br0" },
      { namespace, name: "eth0", mac: mac ?? `52:54:00:00:10:${number.toString(16).padStart(2, "0")}` },
    );
    return LabClient.create(namespace, join(this.directory, `client${number}`));
  }
}

/** Builds the LAN with the appliance on it. */
export async function dhcpLab(t: TestContext, options: DhcpLabOptions = {}): Promise<DhcpLab> {
  const directory = await mkdtemp(join(tmpdir(), "muster-dhcp-"));
  // dhclient gives its rights up before it reads its script.
  await chmod(directory, 0o755);
  const server = await createNamespace("dhcp", t);
  t.after(() => rm(directory, { recursive: true, force: true }));
  await server.addBridge("br0", `${SERVER}/24`);
  const lab = new DhcpLab(t, options, server, directory);
  if (options.withoutAppliance !== true) await lab.startAppliance();
  return lab;
}

/** DHCP clients of Debian in one namespace; each tells what it was given. */
export class LabClient {
  readonly namespace: Namespace;
  readonly #base: string;

  private constructor(namespace: Namespace, base: string) {
    this.namespace = namespace;
    this.#base = base;
  }

  static async create(namespace: Namespace, base: string): Promise<LabClient> {
    const client = new LabClient(namespace, base);
    await writeFile(`${base}.log`, "");
    const address = "${ip:-$new_ip_address}";
    const script = [
      "#!/bin/sh",
      `echo "\${reason:-$1}|${address}|\${serverid:-$new_dhcp_server_identifier}|` +
        `\${router:-$new_routers}|\${lease:-$new_dhcp_lease_time}" >> ${base}.log`,
      'case "${reason:-$1}" in bound|renew|BOUND|RENEW|REBIND|REBOOT)',
      `  ip address replace "${address}/24" brd + dev "$interface" ;; esac`,
      "exit 0",
    ];
    await writeFile(`${base}.sh`, `${script.join("\n")}\n`, { mode: 0o755 });
    return client;
  }

  /** Everything the clients' script was told so far. */
  async told(): Promise<readonly Bound[]> {
    const lines = (await readFile(`${this.#base}.log`, "utf8")).split("\n").filter(Boolean);
    return lines.map((line) => {
      const [reason = "", address = "", server = "", router = "", lease = ""] = line.split("|");
      return { reason, address, server, router, lease };
    });
  }

  async last(...reasons: readonly string[]): Promise<Bound | undefined> {
    return (await this.told()).findLast(({ reason }) => reasons.includes(reason));
  }

  /** busybox: asks until it is bound, then ends. */
  async udhcpc(...args: readonly string[]): Promise<Bound | undefined> {
    const common = ["udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "3", "-T", "2", "-s", `${this.#base}.sh`];
    await this.namespace.run("busybox", [...common, ...args], { timeout: 20_000 });
    return this.last("bound");
  }

  /** busybox in the foreground, for renewals (SIGUSR1) and release (SIGUSR2). */
  udhcpcDaemon(...args: readonly string[]): Daemon {
    const common = ["udhcpc", "-i", "eth0", "-f", "-t", "5", "-T", "1", "-s", `${this.#base}.sh`];
    return this.namespace.spawn("busybox", [...common, ...args]);
  }

  /** ISC dhclient. `-r` releases. */
  async dhclient(...args: readonly string[]): Promise<Bound | undefined> {
    const files = ["-sf", `${this.#base}.sh`, "-lf", `${this.#base}.leases`, "-pf", `${this.#base}.pid`];
    await writeFile(`${this.#base}.conf`, "timeout 10;\nretry 2;\ninitial-interval 1;\n");
    const all = ["-4", "-v", "-1", "-cf", `${this.#base}.conf`, ...files, ...args, "eth0"];
    await this.namespace.run("dhclient", all, { timeout: 20_000 });
    return this.last("BOUND", "REBOOT", "RENEW");
  }

  /** dhcpcd, once, without its hooks. */
  async dhcpcd(...args: readonly string[]): Promise<Bound | undefined> {
    const common = ["-4", "-1", "-B", "-A", "-t", "10", "-f", "/dev/null", "-c", `${this.#base}.sh`];
    await this.namespace.run("dhcpcd", [...common, ...args, "eth0"], { timeout: 20_000 });
    return this.last("BOUND", "REBOOT", "RENEW");
  }

  /** Sends datagrams by hand and returns what came back within the time (milliseconds). */
  async talk(conversation: {
    readonly from?: string;
    readonly port: number;
    readonly send: readonly { readonly to: string; readonly toPort: number; readonly hex: string }[];
    readonly wait?: number;
  }): Promise<readonly { readonly from: string; readonly port: number; readonly hex: string }[]> {
    const settings = JSON.stringify({ wait: 600, ...conversation });
    const { stdout, stderr } = await this.namespace.run(process.execPath, [TALK, settings]);
    if (stderr !== "") throw new Error(stderr);
    const lines = stdout.split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line) as { from: string; port: number; hex: string });
  }
}
