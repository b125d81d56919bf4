/** Until a cluster lives: who initialises it, and what has to be there first. */
import { sameHolder } from "./cluster-record.ts";
import {
  hasToBeAsked,
  initialised,
  isControlPlane,
  isMember,
  liveControlPlaneTurn,
  livesComplete,
  mayAdopt,
  strangeEtcd,
} from "./turn-cases.ts";
import { isClean, type TurnFacts } from "./turn-facts.ts";
import { LATER, SOON, type TurnRule, wait } from "./turn-rule.ts";

/** After so many failures of kubeadm its holder starts over with an empty disk. */
const MOST_INIT_FAILURES = 3;

export const INIT_RULES: readonly TurnRule[] = [
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
];

function initFailures({ record: { init } }: TurnFacts): number {
  return init.phase === "initialising" ? (init.failures ?? 0) : 0;
}
