/** The rack's bed: the virtual machines' lab with the world outside (release files, images) on a second address. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { Kubectl } from "../support/cluster/kubectl.ts";
import { UpstreamServers } from "../support/cluster/upstream-servers.ts";
import { bringUpstream } from "../support/kubernetes-upstream.ts";
import { ADDRESS, Lab, type LabConfig } from "../support/lab.ts";
import { createDisk } from "../support/qemu.ts";
import { CLUSTER, type RackMember, rackFile } from "./documents.ts";

const OUTSIDE = "10.77.0.2";
const MUSTER = path.join(import.meta.dirname, "../../src/cli/muster.ts");
const DISK_BYTES = "20G";
/** A machine on an emulated processor is silent for long while kubeadm is at work. */
const PATIENT = { joinTurnSeconds: 3600, joiningTimeoutSeconds: 7200, preparingTimeoutSeconds: 7200 };

/**
 * Compiles Kubernetes the first time, and starts everything but machines.
 * @param from Directory of an earlier run that was kept (`LAB_KEEP=1`): its machines and its appliance's data are copied
 */
export async function openRack(from?: string): Promise<Lab> {
  const upstream = await bringUpstream();
  const outside: LabConfig = async ({ namespace, directory, bridge }) => {
    await namespace.must("ip", "address", "add", `${OUTSIDE}/24`, "dev", bridge);
    const servers = await UpstreamServers.start({ namespace, address: OUTSIDE, upstream, directory });
    const pools = [{ from: "10.77.0.50", to: "10.77.0.99" }];
    const subnet = { cidr: "10.77.0.0/24", pools, router: ADDRESS, dns: [OUTSIDE], domain: "lab.test" };
    return {
      ...servers.config,
      cluster: PATIENT,
      network: { interface: bridge, address: ADDRESS, subnets: [subnet] },
    };
  };
  const lab = await Lab.open(outside, from === undefined ? {} : { from });
  await lab.appliance.pullInstaller("debian-13");
  return lab;
}

/** `muster apply -f` of the whole rack as it is to be now. */
export async function apply(lab: Lab, members: readonly RackMember[]): Promise<void> {
  const file = path.join(lab.directory, "rack.yaml");
  await writeFile(file, rackFile(members, { emulated: lab.acceleration === "tcg" }));
  await muster(lab, ["apply", "-f", file]);
}

/** Powers a machine on, once, with the network first in its boot order; its disk is empty unless an earlier run left one. */
export async function powerOn(lab: Lab, { name, mac, memoryMiB, cpus }: RackMember): Promise<void> {
  const file = path.join(lab.machineDirectory(name), "disk.qcow2");
  if (!existsSync(file)) await createDisk(file, DISK_BYTES);
  const disks = [{ file, serial: `rack-${name}` }];
  await lab.powerOn({ name, mac, firmware: "bios", disks, memoryMiB, cpus });
}

/** kubectl beside the appliance, with the kubeconfig that `muster kubeconfig` gives. */
export async function kubectlOf(lab: Lab): Promise<Kubectl> {
  const text = await muster(lab, ["kubeconfig", CLUSTER]);
  return Kubectl.with({ namespace: lab.namespace, directory: lab.directory, text });
}

/** Runs a command of the appliance's own CLI beside it, which must succeed, and returns what it wrote. */
async function muster({ namespace, appliance }: Lab, args: readonly string[]): Promise<string> {
  const where = { cwd: appliance.directory, timeout: 120_000 };
  const { code, stdout, stderr } = await namespace.run(process.execPath, [MUSTER, ...args], where);
  if (code !== 0) throw new Error(`muster ${args.join(" ")}: exit ${code}\n${stderr}${stdout}`);
  return stdout;
}
