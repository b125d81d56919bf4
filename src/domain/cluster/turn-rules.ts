/**
 * Who may initialise, who may join, who waits: one table, tried from top to bottom; the first rule that fits decides.
 * A cluster is initialised once in its life. What is ambiguous is resolved by asking the cluster, never by guessing.
 */
import { hasJoined, isBanished, sameHolder } from "./cluster-record.ts";
import { isNode } from "./members.ts";
import {
  etcdObjection,
  expiredWorkerTurn,
  hasToBeAsked,
  initialised,
  isControlPlane,
  isCrowded,
  isMember,
  listsPeer,
  liveControlPlaneTurn,
  livesComplete,
  mayAdopt,
  otherControlPlaneTurn,
  silence,
  strangeEtcd,
} from "./turn-cases.ts";
import { isClean, type TurnDecision, type TurnFacts } from "./turn-facts.ts";

interface TurnRule {
  /** In which case the rule is meant: the line of the documentation. */
  readonly case: string;
  readonly when: (facts: TurnFacts) => boolean;
  readonly then: (facts: TurnFacts) => TurnDecision;
}

const SOON = 2;
const LATER = 15;
const PERSON = 60;
/** After so many failures of kubeadm its holder starts over with an empty disk. */
const MOST_INIT_FAILURES = 3;

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
    case: "the asker is a host of an external etcd, and its member works or worked",
    when: ({ record, asker, etcdHost }) => etcdHost && hasJoined(record, asker),
    then: ({ asker }) => ({ action: "done", reason: `${asker.machine} is a member of etcd` }),
  },
  {
    case: "the asker is a host of an external etcd that is only being formed",
    when: (facts) => facts.etcdHost && !initialised(facts),
    then: () => ({ action: "init", role: "etcd", reason: "every host of etcd starts at once" }),
  },
  {
    case: "the asker is a host of an external etcd and holds data",
    when: ({ etcdHost, status }) => etcdHost && status.etcdData,
    then: () => ({ action: "join", role: "etcd", reason: "its member goes on with its data" }),
  },
  {
    case: "the asker is a host of an external etcd: etcd has to be asked first",
    when: ({ etcdHost, sight }) => etcdHost && sight === undefined,
    then: () => ({ action: "look" }),
  },
  {
    case: "the asker is an empty host of an external etcd that lists it",
    when: (facts) => facts.etcdHost && listsPeer(facts),
    then: () => ({ action: "join", role: "etcd", reason: "etcd waits for its member" }),
  },
  {
    case: "the asker is an empty host of an external etcd that cannot take it in now",
    when: (facts) => facts.etcdHost && etcdObjection(facts) !== undefined,
    then: (facts) => wait(etcdObjection(facts) ?? "", LATER),
  },
  {
    case: "the asker is an empty host of an external etcd",
    when: ({ etcdHost }) => etcdHost,
    then: ({ asker }) => ({ action: "join", role: "etcd", reason: `${asker.machine} joins etcd again` }),
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
    case: "a worker was a member and has lost what made it one",
    when: (facts) => hasJoined(facts.record, facts.asker) && !isControlPlane(facts),
    then: () => ({ action: "reset", reason: "it has lost its kubelet's credentials" }),
  },
  {
    case: "a control plane was a member and has lost what made it one",
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
    case: "before the initialisation: the asker carries something of an earlier attempt",
    when: (facts) => !isClean(facts.status) && facts.record.init.phase === "none",
    then: () => ({
      action: "reset",
      reason: "it carries something of an earlier attempt, and no cluster lives",
    }),
  },
  {
    case: "the initialisation failed again and again",
    when: (facts) => initFailures(facts) >= MOST_INIT_FAILURES,
    then: () => ({ action: "reset", reason: "kubeadm could not go on with what was there" }),
  },
  {
    case: "the initialisation goes on where it was cut off",
    when: (facts) => !initialised(facts) && !isClean(facts.status),
    then: () => ({ action: "init", role: "control-plane", reason: "its initialisation was cut off" }),
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
    then: ({ asker }) => ({
      action: "init",
      role: "control-plane",
      reason: `${asker.machine} initialises the cluster`,
    }),
  },

  {
    case: "the asker is half joined, and etcd may have lost its quorum with it",
    when: (facts) => isControlPlane(facts) && facts.status.etcdData && facts.sight?.nodes === undefined,
    then: (facts) => ({
      action: "resume",
      reason: `no API server answers without it: ${silence(facts)}`,
      retrySeconds: LATER,
    }),
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

/** What the first rule that fits these facts decides. */
export function decideTurn(facts: TurnFacts): TurnDecision {
  for (const rule of TURN_RULES) {
    if (rule.when(facts)) return rule.then(facts);
  }
  throw new Error("the last rule of the table fits every case");
}

function wait(reason: string, retrySeconds: number): TurnDecision {
  return { action: "wait", reason, retrySeconds };
}

function expire(turn: { readonly machine: string } | undefined): TurnDecision {
  const machine = turn?.machine ?? "";
  return { action: "expire", machine, reason: `${machine} did not join in time` };
}

function initFailures({ record: { init } }: TurnFacts): number {
  return init.phase === "initialising" ? (init.failures ?? 0) : 0;
}
