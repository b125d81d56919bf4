/**
 * Who may initialise, who may join, who waits: one table, tried from top to bottom; the first rule that fits decides.
 * A cluster is initialised once in its life. What is ambiguous is resolved by asking the cluster, never by guessing.
 */
import { hasJoined, isBanished, type JoinTurn, joinTurnOf, sameHolder } from "./cluster-record.ts";
import { isNode } from "./members.ts";
import { isClean, type TurnDecision, type TurnFacts } from "./turn-facts.ts";

interface TurnRule {
  /** In which case the rule is meant: the line of the documentation. */
  readonly case: string;
  readonly when: (facts: TurnFacts) => boolean;
  readonly then: (facts: TurnFacts) => TurnDecision;
}

const SOON = 3;
const LATER = 15;
const PERSON = 60;

/** The rules in the order in which they are tried. */
export const TURN_RULES: readonly TurnRule[] = [
  {
    case: "a person declared the asker gone",
    when: ({ record, asker }) => isBanished(record, asker),
    then: ({ asker }) => ({
      action: "reset",
      reason: `${asker.machine} was declared gone and its turn was given to another machine; reimage it to let it join`,
    }),
  },
  {
    case: "the cluster is frozen",
    when: ({ record }) => record.frozen !== undefined,
    then: ({ record }) => wait(`the cluster is frozen: ${record.frozen?.reason ?? ""}`, PERSON),
  },
  {
    case: "the asker is held",
    when: ({ held }) => held !== undefined,
    then: ({ asker, held }) => wait(`${asker.machine} is held: ${held ?? ""}`, PERSON),
  },
  {
    case: "the asker runs no kubelet",
    when: ({ asker }) => !isNode(asker),
    then: () => ({ action: "done", reason: "this machine is no node of Kubernetes" }),
  },
  {
    case: "the asker is a full member",
    when: ({ record, asker, status }) => hasJoined(record, asker) && status.kubeletConf,
    then: ({ asker }) => ({ action: "done", reason: `${asker.machine} is a member` }),
  },
  {
    case: "the asker was a member and has lost what made it one",
    when: ({ record, asker }) => hasJoined(record, asker),
    then: ({ asker }) =>
      wait(`${asker.machine} was a member and has lost its kubelet's credentials; reimage it`, PERSON),
  },

  {
    case: "the holder of the init turn was installed anew",
    when: ({ record, holderReinstalled }) => record.init.phase === "initialising" && holderReinstalled,
    then: () => ({ action: "release", reason: "its holder was installed anew: what it began is gone" }),
  },
  {
    case: "nobody has initialised, and the asker cannot",
    when: (facts) => facts.record.init.phase === "none" && !isControlPlane(facts),
    then: () => wait("no control plane has asked to initialise the cluster yet", SOON),
  },
  {
    case: "another machine initialises",
    when: ({ record: { init }, asker }) => init.phase === "initialising" && !sameHolder(init, asker),
    then: ({ record: { init } }) =>
      wait(
        `${init.phase === "initialising" ? init.machine : "another machine"} initialises the cluster`,
        SOON,
      ),
  },
  {
    case: "somebody else holds the endpoint's address",
    when: ({ record, endpoint }) => record.init.phase === "none" && endpoint.kind === "taken",
    then: ({ endpoint }) => wait(endpoint.kind === "taken" ? endpoint.by : "", LATER),
  },
  {
    case: "another control plane joins",
    when: (facts) => liveControlPlaneTurn(facts) !== undefined,
    then: (facts) => wait(`${liveControlPlaneTurn(facts)?.machine ?? ""} joins first`, SOON),
  },

  {
    case: "the cluster has to be asked first",
    when: (facts) => facts.sight === undefined && hasToBeAsked(facts),
    then: () => ({ action: "look" }),
  },
  {
    case: "etcd is not the one that was recorded",
    when: (facts) => strangeEtcd(facts) !== undefined,
    then: (facts) => ({
      action: "freeze",
      reason: `etcd now has the cluster id ${strangeEtcd(facts) ?? ""}; another one was recorded when the cluster was initialised`,
    }),
  },
  {
    case: "the asker remembers joining, and the cluster knows it",
    when: (facts) => facts.status.joined === true && isMember(facts),
    then: (facts) =>
      facts.record.init.phase === "initialised"
        ? { action: "admit", reason: `${facts.asker.machine} is listed as a node` }
        : { action: "adopt", member: true, reason: "its API answers" },
  },
  {
    case: "the asker remembers joining, and nobody can confirm it",
    when: ({ status }) => status.joined === true,
    then: ({ asker }) =>
      wait(`${asker.machine} says that it joined, but the cluster does not confirm it; reimage it`, LATER),
  },

  {
    case: "something that is not this cluster answers where its API belongs",
    when: (facts) => !initialised(facts) && facts.sight?.api.kind === "foreign",
    then: ({ sight }) =>
      wait(
        sight?.api.kind === "foreign"
          ? `${sight.api.at} answers with a certificate of ${sight.api.issuer}, which is not this cluster's CA`
          : "",
        LATER,
      ),
  },
  {
    case: "the cluster lives although nobody said so",
    when: (facts) => !initialised(facts) && livesComplete(facts) && mayAdopt(facts),
    then: (facts) => ({ action: "adopt", member: isMember(facts), reason: "its API answers" }),
  },
  {
    case: "something unfinished with this cluster's CA answers elsewhere",
    when: (facts) => !initialised(facts) && facts.sight?.api.kind === "alive" && isClean(facts.status),
    then: ({ sight }) =>
      wait(
        `an API server with this cluster's CA answers at ${sight?.api.kind === "alive" ? sight.api.at.join(", ") : ""}; power that machine off or reimage it`,
        LATER,
      ),
  },
  {
    case: "before the initialisation: the asker carries something half done",
    when: (facts) => !initialised(facts) && !isClean(facts.status),
    then: () => ({ action: "reset", reason: "its initialisation was cut off and no cluster lives" }),
  },
  {
    case: "before the initialisation: external etcd is not complete",
    when: (facts) => !initialised(facts) && (facts.sight?.etcdHostsMissing ?? []).length > 0,
    then: ({ sight }) =>
      wait(`etcd does not work yet on ${(sight?.etcdHostsMissing ?? []).join(", ")}`, SOON),
  },
  {
    case: "before the initialisation: no load balancer works",
    when: (facts) => !initialised(facts) && facts.balancersMissing.length > 0,
    then: ({ balancersMissing }) =>
      wait(`none of the load balancers works yet: ${balancersMissing.join(", ")}`, SOON),
  },
  {
    case: "the initialisation",
    when: (facts) => !initialised(facts),
    then: ({ asker }) => ({ action: "init", reason: `${asker.machine} initialises the cluster` }),
  },

  {
    case: "the asker is half joined, and nobody can be asked",
    when: (facts) => !isClean(facts.status) && facts.sight?.nodes === undefined,
    then: (facts) => wait(`no API server answers: ${silence(facts)}`, SOON),
  },
  {
    case: "the asker is a full member although that was not reported",
    when: (facts) => !isClean(facts.status) && isMember(facts),
    then: ({ asker }) => ({ action: "admit", reason: `${asker.machine} is listed as a node` }),
  },
  {
    case: "the asker is half joined",
    when: ({ status }) => !isClean(status),
    then: () => ({ action: "reset", reason: "its joining was cut off" }),
  },

  {
    case: "another control plane's turn has run out",
    when: (facts) => isControlPlane(facts) && otherControlPlaneTurn(facts) !== undefined,
    then: (facts) => expire(otherControlPlaneTurn(facts)),
  },
  {
    case: "no API server answers a control plane that would join",
    when: (facts) => isControlPlane(facts) && facts.sight?.nodes === undefined,
    then: (facts) => wait(`no API server answers: ${silence(facts)}`, SOON),
  },
  {
    case: "etcd cannot take another member now",
    when: (facts) => isControlPlane(facts) && etcdObjection(facts) !== undefined,
    then: (facts) => wait(etcdObjection(facts) ?? "", SOON),
  },
  {
    case: "a worker's turn has run out, and others wait for it",
    when: (facts) => !isControlPlane(facts) && isCrowded(facts) && expiredWorkerTurn(facts) !== undefined,
    then: (facts) => expire(expiredWorkerTurn(facts)),
  },
  {
    case: "enough workers join already",
    when: (facts) => !isControlPlane(facts) && isCrowded(facts),
    then: ({ workersAtOnce }) => wait(`${workersAtOnce} workers join already`, SOON),
  },
  {
    case: "the joining",
    when: () => true,
    then: (facts) => ({
      action: "join",
      role: isControlPlane(facts) ? "control-plane" : "worker",
      reason: `${facts.asker.machine} joins`,
    }),
  },
];

/** The first rule that fits these facts, and what it decides. */
export function decideTurn(facts: TurnFacts): TurnDecision & { readonly case: string } {
  for (const rule of TURN_RULES) {
    if (rule.when(facts)) return { ...rule.then(facts), case: rule.case };
  }
  throw new Error("the last rule of the table fits every case");
}

function wait(reason: string, retrySeconds: number): TurnDecision {
  return { action: "wait", reason, retrySeconds };
}

function expire(turn: JoinTurn | undefined): TurnDecision {
  const machine = turn?.machine ?? "";
  return { action: "expire", machine, reason: `${machine} did not join in time` };
}

function initialised({ record }: TurnFacts): boolean {
  return record.init.phase === "initialised";
}

function isControlPlane({ asker }: TurnFacts): boolean {
  return asker.roles.includes("control-plane");
}

/** Turns of control planes other than the asker. */
function otherControlPlaneTurn({ record, asker }: TurnFacts): JoinTurn | undefined {
  return record.joins.find((turn) => turn.role === "control-plane" && turn.machine !== asker.machine);
}

function liveControlPlaneTurn(facts: TurnFacts): JoinTurn | undefined {
  const other = isControlPlane(facts) ? otherControlPlaneTurn(facts) : undefined;
  return other && other.deadline > facts.now ? other : undefined;
}

/** A worker that joins afresh costs no question: asking for its token shows whether the API answers. */
function hasToBeAsked(facts: TurnFacts): boolean {
  return (
    !initialised(facts) || isControlPlane(facts) || !isClean(facts.status) || facts.status.joined === true
  );
}

function strangeEtcd({ record, sight }: TurnFacts): string | undefined {
  const recorded = record.init.phase === "initialised" ? record.init.etcdClusterId : undefined;
  if (recorded === undefined || sight?.etcd.kind !== "answers") return undefined;
  return sight.etcd.clusterId === recorded ? undefined : sight.etcd.clusterId;
}

function livesComplete({ sight }: TurnFacts): boolean {
  return sight?.api.kind === "alive" && sight.complete;
}

/** What answers may be a machine that was declared gone: then only the asker's own cluster counts. */
function mayAdopt(facts: TurnFacts): boolean {
  return facts.record.banished.length === 0 || isMember(facts);
}

/** Whether the cluster lists the asker, in every role that it has. */
function isMember({ asker, sight }: TurnFacts): boolean {
  const node = sight?.nodes?.find(({ name }) => name === asker.machine);
  return node !== undefined && (node.controlPlane || !asker.roles.includes("control-plane"));
}

function silence({ sight }: TurnFacts): string {
  return sight?.api.kind === "silent" ? sight.api.reason : "its nodes cannot be listed";
}

function etcdObjection({ sight, asker }: TurnFacts): string | undefined {
  if (sight?.etcd.kind !== "answers") return `etcd does not answer: ${sight?.etcd.reason ?? ""}`;
  const { members, healthy } = sight.etcd;
  const learner = members.find((member) => member.learner && member.name !== asker.machine);
  if (learner) return `etcd is still taking in ${learner.name === "" ? "a member" : learner.name}`;
  const voters = members.filter((member) => !member.learner).length;
  return healthy > voters / 2 ? undefined : `only ${healthy} of ${voters} etcd members work`;
}

function workerTurns({ record, asker }: TurnFacts): readonly JoinTurn[] {
  return record.joins.filter((turn) => turn.role === "worker" && turn.machine !== asker.machine);
}

function isCrowded(facts: TurnFacts): boolean {
  return (
    joinTurnOf(facts.record, facts.asker) === undefined && workerTurns(facts).length >= facts.workersAtOnce
  );
}

function expiredWorkerTurn(facts: TurnFacts): JoinTurn | undefined {
  return workerTurns(facts).find(({ deadline }) => deadline <= facts.now);
}
