/** Once a cluster lives: who joins now. */
import {
  etcdObjection,
  expiredWorkerTurn,
  isControlPlane,
  isCrowded,
  isMember,
  otherControlPlaneTurn,
  silence,
} from "./turn-cases.ts";
import { isClean } from "./turn-facts.ts";
import { expire, LATER, SOON, type TurnRule, wait } from "./turn-rule.ts";

export const JOIN_RULES: readonly TurnRule[] = [
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
