/** The questions that the rules of turn-rules.ts ask of the facts. */
import { type JoinTurn, joinTurnOf } from "./cluster-record.ts";
import { isClean, type TurnFacts } from "./turn-facts.ts";

/** Whether the cluster lives, as far as is recorded. */
export function initialised({ record }: TurnFacts): boolean {
  return record.init.phase === "initialised";
}

/** Whether the asker is to run an API server. */
export function isControlPlane({ asker }: TurnFacts): boolean {
  return asker.roles.includes("control-plane");
}

/** Turns of control planes other than the asker. */
export function otherControlPlaneTurn({ record, asker }: TurnFacts): JoinTurn | undefined {
  return record.joins.find((turn) => turn.role === "control-plane" && turn.machine !== asker.machine);
}

/** The turn that a control plane has to wait for. */
export function liveControlPlaneTurn(facts: TurnFacts): JoinTurn | undefined {
  const other = isControlPlane(facts) ? otherControlPlaneTurn(facts) : undefined;
  return other && other.deadline > facts.now ? other : undefined;
}

/** A worker that joins afresh costs no question: asking for its token shows whether the API answers. */
export function hasToBeAsked(facts: TurnFacts): boolean {
  return (
    !initialised(facts) || isControlPlane(facts) || !isClean(facts.status) || facts.status.joined === true
  );
}

/** The id of an etcd cluster that is not the recorded one. */
export function strangeEtcd({ record, sight }: TurnFacts): string | undefined {
  const recorded = record.init.phase === "initialised" ? record.init.etcdClusterId : undefined;
  if (recorded === undefined || sight?.etcd.kind !== "answers") return undefined;
  return sight.etcd.clusterId === recorded ? undefined : sight.etcd.clusterId;
}

/** Whether an API server answers and everything is there that an initialisation makes. */
export function livesComplete({ sight }: TurnFacts): boolean {
  return sight?.api.kind === "alive" && sight.complete;
}

/** What answers may be a machine that was declared gone: then only the asker's own cluster counts. */
export function mayAdopt(facts: TurnFacts): boolean {
  return facts.record.banished.length === 0 || isMember(facts);
}

/** Whether the cluster lists the asker, in every role that it has. */
export function isMember({ asker, sight }: TurnFacts): boolean {
  const node = sight?.nodes?.find(({ name }) => name === asker.machine);
  return node !== undefined && (node.controlPlane || !asker.roles.includes("control-plane"));
}

/** Whether etcd expects the asker: its member is listed and has not started. */
export function listsPeer({ asker, sight }: TurnFacts): boolean {
  if (sight?.etcd.kind !== "answers") return false;
  return sight.etcd.members.some(({ name }) => name === asker.machine);
}

/** Why no API server could be read. */
export function silence({ sight }: TurnFacts): string {
  return sight?.api.kind === "silent" ? sight.api.reason : "its nodes cannot be listed";
}

/** Why etcd cannot take another member now. */
export function etcdObjection({ sight, asker }: TurnFacts): string | undefined {
  if (sight?.etcd.kind !== "answers") return `etcd does not answer: ${sight?.etcd.reason ?? ""}`;
  const { members, healthy } = sight.etcd;
  const learner = members.find((member) => member.learner && member.name !== asker.machine);
  if (learner) return `etcd is still taking in ${learner.name === "" ? "a member" : learner.name}`;
  const voters = members.filter((member) => !member.learner).length;
  if (healthy.length > voters / 2) return undefined;
  return `only ${healthy.length} of ${voters} etcd members work`;
}

function workerTurns({ record, asker }: TurnFacts): readonly JoinTurn[] {
  return record.joins.filter((turn) => turn.role === "worker" && turn.machine !== asker.machine);
}

/** Whether as many workers join as may do so at once. */
export function isCrowded(facts: TurnFacts): boolean {
  return (
    joinTurnOf(facts.record, facts.asker) === undefined && workerTurns(facts).length >= facts.workersAtOnce
  );
}

/** A turn of a worker that has run out. */
export function expiredWorkerTurn(facts: TurnFacts): JoinTurn | undefined {
  return workerTurns(facts).find(({ deadline }) => deadline <= facts.now);
}
