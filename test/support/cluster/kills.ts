/** Power cuts while machines become members: at which step, how long into it, and what must hold afterwards all the same. */
import { setTimeout as delay } from "node:timers/promises";
import type { ClusterBed } from "./bed.ts";
import { freeze, thaw } from "./freezer.ts";
import type { LabMember } from "./lab-cluster.ts";
import type { ClusterMachine } from "./machine.ts";
import { type RunningStep, runs, StepWatch } from "./running-step.ts";

/** Steps of the node script in which a power cut can fall, in their order. */
export const KILL_STEPS = [
  ...["fetch", "files", "packages", "binaries", "system", "runtime", "images", "balancer"],
  ...["secrets", "kubeadm", "network", "addons", "finish"],
] as const;
export type KillStep = (typeof KILL_STEPS)[number];

/** Seconds that a step takes at least on a busy host of two processors; what is left out takes a part of one. */
const USUAL: Readonly<Record<string, number>> = {
  packages: 15,
  binaries: 8,
  system: 1,
  runtime: 1,
  images: 8,
  balancer: 2,
};
/** kubeadm takes longest where it initialises, and a worker has no control plane to wait for. */
const USUAL_KUBEADM = { first: 20, "control-plane": 10, worker: 2 } as const;
const SHORT = 0.05;

/** One power cut: the machine loses power that many milliseconds after the program of its step was seen. */
export interface Kill {
  readonly machine: string;
  readonly step: KillStep;
  readonly after: number;
  /** Milliseconds until its power is back. */
  readonly off: number;
}

/** What became of a power cut. */
export interface Fallen {
  readonly kill: Kill;
  /** Seconds into the step at which it fell; undefined when the machine was ready before it could. */
  readonly seconds?: number;
  /** The last line that the step had written by then. */
  readonly lastWords?: string;
}

/** Steps that a machine without the shared certificates never comes to. */
const CONTROL_PLANE_STEPS: readonly KillStep[] = ["secrets", "addons"];
const POLL = 10;
const ASK_EVERY = 1000;

/** Whether a machine with these roles comes to the step. */
export function comesTo({ roles }: Pick<LabMember, "roles">, step: KillStep): boolean {
  return roles.includes("control-plane") || !CONTROL_PLANE_STEPS.includes(step);
}

/** A power cut at a random moment of a step's usual length; `part` is what the machine is to its cluster. */
export function randomKill(
  { machine, step, part }: Pick<Kill, "machine" | "step"> & { readonly part: keyof typeof USUAL_KUBEADM },
  next: () => number,
): Kill {
  const usual = step === "kubeadm" ? USUAL_KUBEADM[part] : (USUAL[step] ?? SHORT);
  const after = Math.floor(next() * usual * 1000);
  return { machine, step, after, off: 500 + Math.floor(next() * 3000) };
}

/**
 * Carries out the power cuts of one machine, each in its step, and gives the power back after each. One that came too late (the
 * step was over) is tried again, earlier, when the step runs again.
 * @returns in the end what became of each; a machine that is ready has no step left
 */
export async function carryOut(
  bed: ClusterBed,
  kills: readonly Kill[],
  seconds: number,
): Promise<readonly Fallen[]> {
  const [first] = kills;
  if (first === undefined) return [];
  const machine = bed.machine(first.machine);
  const watch = new StepWatch(machine);
  const fallen: Fallen[] = [];
  let open = [...kills];
  const deadline = performance.now() + seconds * 1000;
  let asked = performance.now();
  while (open.length > 0) {
    const running = machine.isOn ? watch.now() : undefined;
    const kill = open.find(({ step }) => step === running?.step);
    if (running !== undefined && kill !== undefined) {
      const fell = await cut({ machine, watch, running, kill });
      open = open.filter((each) => each !== kill);
      if (fell === undefined) open.push({ ...kill, after: kill.after / 2 });
      else fallen.push(fell);
      continue;
    }
    if (performance.now() > deadline)
      throw new Error(`${first.machine} never came to ${open[0]?.step ?? ""}`);
    if (performance.now() - asked > ASK_EVERY) {
      asked = performance.now();
      if (await isReady(bed, first.machine)) break;
    }
    await delay(POLL);
  }
  return [...fallen, ...open.map((kill) => ({ kill }))];
}

/** Cuts the power while the step's program stands still, so that it fell in this step and no other. */
async function cut(given: {
  readonly machine: ClusterMachine;
  readonly watch: StepWatch;
  readonly running: RunningStep;
  readonly kill: Kill;
}): Promise<Fallen | undefined> {
  const { machine, watch, running, kill } = given;
  const seen = performance.now();
  while (performance.now() - seen < kill.after && runs(running.pid)) await delay(POLL);
  await freeze(machine.freezer);
  const seconds = (performance.now() - seen) / 1000;
  if (!runs(running.pid)) {
    thaw(machine.freezer);
    return undefined;
  }
  const lastWords = watch.lastWords();
  await machine.powerOff();
  await delay(kill.off);
  await machine.powerOn();
  return { kill, seconds, lastWords };
}

async function isReady(bed: ClusterBed, name: string): Promise<boolean> {
  const machine = await bed.appliance.machine(name).catch(() => undefined);
  return machine?.state === "ready";
}

/** What etcd itself says on every machine that runs it: each answer is one `clusterId members`. */
export async function etcdAnswers(
  bed: ClusterBed,
  hosts: readonly Pick<LabMember, "name">[],
): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const { name } of hosts) {
    const pki = "/etc/kubernetes/pki/etcd";
    const list = await bed
      .machine(name)
      .must(
        `curl -sS -m 10 --cacert ${pki}/ca.crt --cert ${pki}/server.crt --key ${pki}/server.key -d '{}' https://127.0.0.1:2379/v3/cluster/member/list`,
      );
    const answer = JSON.parse(list) as {
      readonly header: { readonly cluster_id: string };
      readonly members: readonly { readonly name?: string; readonly isLearner?: boolean }[];
    };
    const voters = answer.members
      .filter(({ isLearner }) => isLearner !== true)
      .map((member) => member.name ?? "?");
    answers.push(`${answer.header.cluster_id} ${[...voters].sort().join(",")}`);
  }
  return answers;
}
