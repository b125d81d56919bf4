/** Whether etcd survives the removal of a member (kubernetes.md 2.7). */
import type { ClusterSight } from "./turn-facts.ts";

export interface RemovalFacts {
  /** The machine that is to go. */
  readonly target: string;
  readonly etcd: ClusterSight["etcd"];
  /** Whether kubeadm may be taking it into etcd at this moment: nothing here could call that off. */
  readonly joining: boolean;
  /** Other members of etcd whose machines are being reimaged or come back from it. */
  readonly othersReimaged: readonly string[];
}

/** One sentence that says what is missing; undefined when the member may be removed, or is none. */
export function removalObjection({
  target,
  etcd,
  joining,
  othersReimaged,
}: RemovalFacts): string | undefined {
  if (etcd.kind === "silent") {
    return `etcd does not answer, so nobody knows whether it survives without this machine: ${etcd.reason}`;
  }
  const voters = etcd.members.filter(({ learner }) => !learner);
  if (!voters.some(({ name }) => name === target))
    return joining ? tooSoon(target, etcd.healthy, voters.length) : undefined;
  const learner = etcd.members.find((member) => member.learner);
  if (learner) {
    const name = learner.name === "" ? "a new member" : learner.name;
    return `etcd is still taking in ${name}; wait until it votes`;
  }
  const [other] = othersReimaged;
  if (other !== undefined) return `${other} is being reimaged; one member of etcd at a time`;
  return tooFew(voters.length) ?? tooSick(target, etcd.healthy, voters.length);
}

/** It votes soon and is switched off then: who works now must be a majority with its vote counted. */
function tooSoon(target: string, healthy: readonly string[], voters: number): string | undefined {
  const left = healthy.filter((name) => name !== target).length;
  const needed = Math.floor((voters + 1) / 2) + 1;
  if (left >= needed) return undefined;
  return `it joins etcd at this moment, which would lose its quorum if it were installed anew before it is in: ${left} of ${voters + 1} members would work; wait until it is in, or until its turn has run out`;
}

function tooFew(voters: number): string | undefined {
  if (voters >= 3) return undefined;
  return voters === 1
    ? "it is the only member of etcd: everything the cluster knows would be lost; restore it from a snapshot instead"
    : "etcd has two members: with one left the next failure loses everything; let a third control plane join first";
}

function tooSick(target: string, healthy: readonly string[], voters: number): string | undefined {
  const left = healthy.filter((name) => name !== target);
  const needed = Math.floor((voters - 1) / 2) + 1;
  if (left.length >= needed) return undefined;
  const names = left.length === 0 ? "none" : left.join(", ");
  return `etcd would lose its quorum: without it ${needed} of ${voters - 1} members must work, and only ${left.length} do (${names})`;
}
