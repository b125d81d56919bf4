/**
 * An installation without its slow part: the machine asks for its boot script as firmware does, its disk gets the product's own
 * `target-files.sh` over a finished Debian, and the appliance is told in the installer's words.
 */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { release } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { run } from "../debian-release.ts";
import { execute, type Namespace } from "../netns.ts";
import type { ClusterMachine } from "./machine.ts";

const SERVICES = ["systemd-networkd.service", "systemd-resolved.service", "muster-report.service"];
/** What a distribution's kernel has as modules is built into this host's. */
const BUILT_IN = [
  "overlay",
  "br_netfilter",
  "nf_conntrack",
  "nf_tables",
  "vxlan",
  "ip_tables",
  "veth",
  "bridge",
];

export interface InstallOptions {
  readonly machine: ClusterMachine;
  readonly namespace: Namespace;
  /** The appliance's boot plane: `http://10.78.0.1:8080`. */
  readonly bootUrl: string;
  readonly codename: string;
  /** Keeps the archive's indexes, which are the same on every machine. */
  readonly lists: string;
  /** Seconds in which the appliance must have the installer ready. */
  readonly seconds?: number;
}

/** Installs a machine that the appliance knows; its disk then holds what the real installer leaves. */
export async function install(options: InstallOptions): Promise<void> {
  const { machine, namespace, bootUrl } = options;
  await machine.mountDisk();
  const ticket = await bootTicket(options);
  const base = `${bootUrl}/install/${ticket}`;
  await must(namespace, ["-o", "/dev/null", `${base}/preseed.cfg`]);
  const script = await must(namespace, [`${base}/target-files.sh`]);
  await writeTarget(machine, script);
  await likeHardware(machine.root);
  await archive(machine.root, `${bootUrl}/mirror`, options.codename);
  await aptLists(options);
  const disks = [{ path: "/dev/vda", serial: `LAB-${machine.name}`, sizeBytes: 20_000_000_000 }];
  const report = JSON.stringify({ report: "finished", marker: randomBytes(16).toString("hex"), disks });
  await must(namespace, ["-H", "Content-Type: application/json", "--data-binary", report, `${base}/report`]);
}

/** The ticket stands in the boot script as soon as the installer's files are there. */
async function bootTicket({ machine, namespace, bootUrl, seconds = 300 }: InstallOptions): Promise<string> {
  const url = `${bootUrl}/boot/${machine.mac.replaceAll(":", "-")}.ipxe`;
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const script = await must(namespace, [url]);
    const ticket = /\/install\/([^/\s]+)\/preseed\.cfg/.exec(script)?.[1];
    if (ticket !== undefined) return ticket;
    if (performance.now() > deadline) throw new Error(`${machine.name} is not told to install:\n${script}`);
    await delay(500);
  }
}

async function must(namespace: Namespace, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await namespace.run("curl", [
    "-sS",
    "--fail-with-body",
    "-m",
    "60",
    ...args,
  ]);
  if (code !== 0) throw new Error(`curl ${args.at(-1) ?? ""}: ${stderr}${stdout}`);
  return stdout;
}

/** What the installer's last hook does with the document (preseed/scripts/late.sh). */
async function writeTarget(machine: ClusterMachine, script: string): Promise<void> {
  const { root, name } = machine;
  const done = await execute("sh", ["-e"], { input: script, env: { ROOT: root } });
  if (done.code !== 0) throw new Error(`target-files.sh of ${name}: ${done.stderr}${done.stdout}`);
  await writeFile(path.join(root, "etc/hostname"), `${name}\n`);
  await writeFile(path.join(root, "etc/hosts"), `127.0.0.1\tlocalhost\n127.0.1.1\t${name}\n`);
  await writeFile(path.join(root, "etc/machine-id"), `${randomBytes(16).toString("hex")}\n`);
  await chroot(root, ["systemctl", "enable", "--quiet", ...SERVICES]);
  await rm(path.join(root, "etc/resolv.conf"), { force: true });
  await symlink("../run/systemd/resolve/stub-resolv.conf", path.join(root, "etc/resolv.conf"));
}

/** Facts of this "hardware" that no installation could know. */
async function likeHardware(root: string): Promise<void> {
  const units = path.join(root, "etc/systemd/network");
  for (const unit of await readdir(units)) {
    // A container's NIC is virtual, and the product's units are for Ethernet devices themselves.
    const text = await readFile(path.join(units, unit), "utf8");
    await writeFile(path.join(units, unit.replace(/^10-/, "05-")), text.replace(/^Kind=.*\n/m, ""));
  }
  const modules = path.join(root, "lib/modules", release());
  await mkdir(modules, { recursive: true });
  const listed = BUILT_IN.map((name) => `kernel/${name}.ko\n`).join("");
  await writeFile(path.join(modules, "modules.builtin"), listed);
  await writeFile(path.join(modules, "modules.order"), "");
  await chroot(root, ["depmod", "-a", release()]);
}

/** The installer points apt at the mirror it installed from. */
async function archive(root: string, mirror: string, codename: string): Promise<void> {
  const components = "main non-free-firmware";
  const lines = [
    `deb ${mirror}/debian ${codename} ${components}`,
    `deb ${mirror}/debian ${codename}-updates ${components}`,
    `deb ${mirror}/debian-security ${codename}-security ${components}`,
  ];
  await rm(path.join(root, "etc/apt/sources.list.d"), { recursive: true, force: true });
  await mkdir(path.join(root, "etc/apt/sources.list.d"), { recursive: true });
  await writeFile(path.join(root, "etc/apt/sources.list"), `${lines.join("\n")}\n`);
  await chmod(path.join(root, "etc/apt/sources.list"), 0o644);
}

/** The installer has read the archive's indexes before it installs anything from it. */
async function aptLists({ machine, namespace, lists }: InstallOptions): Promise<void> {
  const place = path.join(machine.root, "var/lib/apt/lists");
  const kept = await stat(lists).then(
    () => true,
    () => false,
  );
  if (kept) {
    await run("cp", ["-a", `${lists}/.`, place]);
    return;
  }
  const update = ["chroot", machine.root, "apt-get", "-qq", "update"];
  const { code, stderr } = await namespace.run("env", update, { timeout: 300_000 });
  if (code !== 0) throw new Error(`apt-get update of ${machine.name}: ${stderr}`);
  await run("cp", ["-a", place, lists]);
}

async function chroot(root: string, command: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await execute("chroot", [root, ...command]);
  if (code !== 0) throw new Error(`chroot ${command.join(" ")}: exit ${code}\n${stderr}${stdout}`);
}
