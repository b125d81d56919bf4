/** Power cuts while machines become members: at which step, how long into it, and what must hold afterwards all the same. */
import { setTimeout as delay } from "node:timers/promises";
import type { ClusterBed } from "./bed.ts";
import type { LabMember } from "./lab-cluster.ts";

/** Steps of the node script in which a power cut can fall, in their order. */
export const KILL_STEPS = [
  ...["fetch", "files", "packages", "binaries", "system", "runtime", "images", "balancer"],
  ...["secrets", "kubeadm", "network", "addons", "finish"],
] as const;
export type KillStep = (typeof KILL_STEPS)[number];

/** One power cut: the machine loses power that many milliseconds after its step was reported. */
export interface Kill {
  readonly machine: string;
  readonly step: KillStep;
  readonly after: number;
  /** Milliseconds until its power is back. */
  readonly off: number;
}

/** Steps that a machine without the shared certificates never comes to. */
const CONTROL_PLANE_STEPS: readonly KillStep[] = ["secrets", "addons"];
const POLL = 50;

/** Whether a machine with these roles comes to the step. */
export function comesTo({ roles }: Pick<LabMember, "roles">, step: KillStep): boolean {
  return roles.includes("control-plane") || !CONTROL_PLANE_STEPS.includes(step);
}

/**
 * Carries out one power cut and gives the power back.
 * @returns whether it fell: a machine that is ready before its step was seen is past it
 */
export async function carryOut(bed: ClusterBed, kill: Kill, seconds: number): Promise<boolean> {
  const machine = bed.machine(kill.machine);
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const { stage, state } = await bed.appliance
      .machine(kill.machine)
      .catch(() => ({ stage: undefined, state: undefined }));
    if (stage === kill.step) break;
    if (state === "ready") return false;
    if (performance.now() > deadline) throw new Error(`${kill.machine} never came to the step ${kill.step}`);
    await delay(POLL);
  }
  await delay(kill.after);
  await machine.powerOff();
  await delay(kill.off);
  await machine.powerOn();
  return true;
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
