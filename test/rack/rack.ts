/** The rack's bed: the virtual machines' lab with the world outside (release files, images) on a second address. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stringify } from "yaml";
import type { ClusterSpecInput } from "../../src/domain/cluster/cluster-spec.ts";
import type { MachineSpecInput } from "../../src/domain/machine-spec.ts";
import { isReady, Kubectl } from "../support/cluster/kubectl.ts";
import { UpstreamServers } from "../support/cluster/upstream-servers.ts";
import { LAB_VERSION } from "../support/kubernetes-components.ts";
import { BUSYBOX_IMAGE, bringUpstream } from "../support/kubernetes-upstream.ts";
import { ADDRESS, Lab, QUICK } from "../support/lab.ts";
import { createDisk, type VirtualMachine } from "../support/qemu.ts";

const OUTSIDE = "10.77.0.2";
const CLUSTER = "rack";
const NAME = "c1";
const MAC = "52:54:00:6c:72:01";
const MUSTER = path.join(import.meta.dirname, "../../src/cli/muster.ts");
/** How long a failed step may go on failing. */
const PATIENCE_SECONDS = 240;
const LIMITS = { install: 5400, firstBoot: 1200, ready: 3600, names: 900, pod: 600 };

export interface Rack {
  readonly lab: Lab;
  machine?: VirtualMachine;
  close(): Promise<void>;
}

/** Compiles Kubernetes the first time, starts everything, and applies the one file that a person writes. */
export async function openRack(): Promise<Rack> {
  const upstream = await bringUpstream();
  const lab = await Lab.open(async ({ namespace, directory, bridge }) => {
    await namespace.must("ip", "address", "add", `${OUTSIDE}/24`, "dev", bridge);
    const outside = await UpstreamServers.start({ namespace, address: OUTSIDE, upstream, directory });
    const pools = [{ from: "10.77.0.50", to: "10.77.0.99" }];
    const subnet = { cidr: "10.77.0.0/24", pools, router: ADDRESS, dns: [OUTSIDE], domain: "lab.test" };
    return { ...outside.config, network: { interface: bridge, address: ADDRESS, subnets: [subnet] } };
  });
  await lab.appliance.pullInstaller("debian-13");
  const file = path.join(lab.directory, "rack.yaml");
  await writeFile(file, clusterFile());
  await muster(lab, ["apply", "-f", file]);
  return { lab, close: () => lab.close() };
}

function clusterFile(): string {
  const cluster: Partial<ClusterSpecInput> = {
    kubernetes: { version: LAB_VERSION },
    network: { cni: "routed" },
    // The world outside of this bed has no crictl.
    runtime: { crictl: false },
  };
  const machine: MachineSpecInput = {
    mac: MAC,
    address: "10.77.0.11",
    cluster: CLUSTER,
    roles: ["control-plane", "worker"],
    os: "debian-13",
    locale: "C.UTF-8",
    console: "ttyS0,115200",
    // A cluster's own network is not to be tried on a kernel without IPv6.
    kernelArguments: QUICK.filter((argument) => argument !== "ipv6.disable=1"),
  };
  const document = (kind: string, name: string, spec: object): string =>
    stringify({ apiVersion: "muster/v1", kind, metadata: { name }, spec });
  return `${document("Cluster", CLUSTER, cluster)}---\n${document("Machine", NAME, machine)}`;
}

/** Powered on once; it stays on from here on. */
export async function installsAsMember(rack: Rack): Promise<undefined> {
  const { lab } = rack;
  const disk = path.join(lab.machineDirectory(NAME), "disk.qcow2");
  await createDisk(disk, "20G");
  const disks = [{ file: disk, serial: "rack-0" }];
  rack.machine = await lab.powerOn({ name: NAME, mac: MAC, firmware: "bios", disks, memoryMiB: 4096 });
  await lab.appliance.waitForMachine(NAME, ({ installFinished }) => installFinished, LIMITS.install);
  const before: readonly string[] = ["registered", "installing"];
  await lab.appliance.waitForMachine(NAME, ({ state }) => !before.includes(state), LIMITS.firstBoot);
}

export async function becomesReady({ lab }: Rack): Promise<string> {
  await untilReady(lab);
  const [node] = await (await kubectlOf(lab)).nodes();
  if (!node || !isReady(node)) throw new Error("kubectl shows no Ready node");
  const { kubeletVersion = "", containerRuntimeVersion = "" } = node.status.nodeInfo ?? {};
  return `${kubeletVersion}, ${containerRuntimeVersion}`;
}

/** A step of the node may fail and be tried again; a machine that stays failed is given up. */
async function untilReady({ appliance }: Lab): Promise<void> {
  const deadline = performance.now() + LIMITS.ready * 1000;
  let failing = 0;
  for (;;) {
    const machine = await appliance.machine(NAME);
    if (machine.state === "ready") return;
    failing = machine.state === "failed" ? failing + 1 : 0;
    if (failing > PATIENCE_SECONDS || performance.now() > deadline) {
      throw new Error(`${NAME} is ${machine.state}: ${machine.failure?.reason ?? machine.stage ?? ""}`);
    }
    await delay(1000);
  }
}

export async function servesNames({ lab }: Rack): Promise<undefined> {
  const kubectl = await kubectlOf(lab);
  const deployment = ["-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=5s"];
  await kubectl.eventually(deployment, { seconds: LIMITS.names });
}

export async function takesThePod({ lab }: Rack): Promise<undefined> {
  const kubectl = await kubectlOf(lab);
  const wanted = `--for=jsonpath={.status.phase}=Succeeded`;
  await kubectl.must(["run", "hello", `--image=${BUSYBOX_IMAGE}`, "--restart=Never", "--", "true"]);
  const deadline = performance.now() + LIMITS.pod * 1000;
  while ((await kubectl.run(["wait", wanted, "pod/hello", "--timeout=5s"])).code !== 0) {
    if (performance.now() > deadline) throw new Error(await kubectl.must(["describe", "pod", "hello"]));
    await delay(1000);
  }
}

async function kubectlOf(lab: Lab): Promise<Kubectl> {
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
