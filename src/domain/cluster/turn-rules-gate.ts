/** Who has no question about the cluster itself: members, hosts of an external etcd, and whoever is kept out. */
import { hasJoined, isBanished } from "./cluster-record.ts";
import { isNode } from "./members.ts";
import { etcdObjection, initialised, isControlPlane, listsPeer } from "./turn-cases.ts";
import { LATER, PERSON, type TurnRule, wait } from "./turn-rule.ts";

export const GATE_RULES: readonly TurnRule[] = [
  {
    case: "a person declared the asker gone",
    when: ({ record, asker }) => isBanished(record, asker),
    then: ({ asker }) => ({
      action: "leave",
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
];
