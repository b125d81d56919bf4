/** What the rack is expected to do, step by step; a step's result is what was read off it, if anything. */
import { setTimeout as delay } from "node:timers/promises";
import { isReady, type NodeObject } from "../support/cluster/kubectl.ts";
import { podOn, serviceOf, waitForPod } from "../support/cluster/pods.ts";
import type { Lab } from "../support/lab.ts";
import { CONTROL_PLANE, type RackMember, WORKER } from "./documents.ts";
import { apply, kubectlOf, powerOn } from "./rack.ts";

/** Seconds; an emulated processor needs most of them. */
const LIMITS = { install: 7200, firstBoot: 2400, ready: 5400, names: 1800, pod: 1200, answer: 600 };
/** How long a failed step may go on failing. */
const PATIENCE_MS = 600_000;
const POLL_MS = 1000;
const BEFORE_FIRST_BOOT: readonly string[] = ["registered", "installing"];
const PORT = 8080;

/** Applied and powered on: installer, restart and first boot follow by themselves. */
export async function installsAlone(lab: Lab): Promise<undefined> {
  await apply(lab, [CONTROL_PLANE]);
  await installs(lab, CONTROL_PLANE);
}

export async function installsBesides(lab: Lab): Promise<undefined> {
  await apply(lab, [CONTROL_PLANE, WORKER]);
  await installs(lab, WORKER);
}

async function installs(lab: Lab, member: RackMember): Promise<void> {
  await powerOn(lab, member);
  const { appliance } = lab;
  await appliance.waitForMachine(member.name, ({ installFinished }) => installFinished, LIMITS.install);
  const hasReported = ({ state }: { readonly state: string }): boolean => !BEFORE_FIRST_BOOT.includes(state);
  await appliance.waitForMachine(member.name, hasReported, LIMITS.firstBoot);
}

export async function isCluster(lab: Lab): Promise<string> {
  await untilReady(lab, CONTROL_PLANE);
  return describeNodes(await readyNodes(lab, [CONTROL_PLANE]));
}

export async function joins(lab: Lab): Promise<string> {
  await untilReady(lab, WORKER);
  return describeNodes(await readyNodes(lab, [CONTROL_PLANE, WORKER]));
}

/** A step of a node may fail and be tried again; a machine that stays failed is given up. */
async function untilReady({ appliance }: Lab, { name }: RackMember): Promise<void> {
  const deadline = performance.now() + LIMITS.ready * 1000;
  let failing = 0;
  for (;;) {
    const machine = await appliance.machine(name);
    if (machine.state === "ready") return;
    failing = machine.state === "failed" ? failing + 1 : 0;
    if (failing * POLL_MS > PATIENCE_MS || performance.now() > deadline) {
      throw new Error(`${name} is ${machine.state}: ${machine.failure?.reason ?? machine.stage ?? ""}`);
    }
    await delay(POLL_MS);
  }
}

/** The cluster's nodes, which must be exactly these, each of them Ready. */
async function readyNodes(lab: Lab, members: readonly RackMember[]): Promise<readonly NodeObject[]> {
  const nodes = await (await kubectlOf(lab)).nodes();
  const found = nodes.map(({ metadata }) => metadata.name).sort();
  const wanted = members.map(({ name }) => name).sort();
  if (found.join() !== wanted.join()) throw new Error(`the cluster's nodes are ${found.join(", ")}`);
  const late = nodes.filter((node) => !isReady(node)).map(({ metadata }) => metadata.name);
  if (late.length > 0) throw new Error(`kubectl shows that these are not Ready: ${late.join(", ")}`);
  return nodes;
}

function describeNodes(nodes: readonly NodeObject[]): string {
  const words = nodes.map(({ metadata, status }) => {
    const { kubeletVersion = "", containerRuntimeVersion = "", kernelVersion = "" } = status.nodeInfo ?? {};
    return `${metadata.name} Ready: kubelet ${kubeletVersion}, ${containerRuntimeVersion}, Linux ${kernelVersion}`;
  });
  return words.join("; ");
}

export async function servesNames(lab: Lab): Promise<undefined> {
  const kubectl = await kubectlOf(lab);
  const deployment = ["-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=5s"];
  await kubectl.eventually(deployment, { seconds: LIMITS.names });
}

/** A web server as a pod of the control plane, behind a service. */
export async function runsServer(lab: Lab): Promise<undefined> {
  const kubectl = await kubectlOf(lab);
  const line = `echo from $(hostname) >/tmp/index.html; exec httpd -f -p ${PORT} -h /tmp`;
  await kubectl.apply(podOn(CONTROL_PLANE.name, "server", line));
  await kubectl.apply(serviceOf("server", PORT));
  await waitForPod(kubectl, "server", LIMITS.pod);
}

/** A pod of the worker asks the cluster's DNS, and reaches the other machine's pod through its service. */
export async function reachesService(lab: Lab): Promise<string> {
  const kubectl = await kubectlOf(lab);
  await kubectl.apply(podOn(WORKER.name, "client", "exec sleep 36000"));
  await waitForPod(kubectl, "client", LIMITS.pod);
  const inside = ["exec", "client", "--"];
  const lookup = [...inside, "nslookup", "kubernetes.default.svc.cluster.local"];
  await kubectl.eventually(lookup, { seconds: LIMITS.answer, wanted: /10\.96\.0\.1\b/ });
  const url = `http://server.default.svc.cluster.local:${PORT}/`;
  const page = await kubectl.eventually([...inside, "wget", "-q", "-O-", "-T", "30", url], {
    seconds: LIMITS.answer,
    wanted: /from server/,
  });
  return `${url} answered "${page.trim()}"`;
}
