/**
 * Who may initialise or join now: a machine asks, the table in turn-rules.ts decides from what is on record and what the
 * cluster itself answers, and what was decided is durable before the machine hears of it.
 */
import {
  type Holder,
  withAdopted,
  withEtcdClusterId,
  withFreeze,
  withJoined,
  withoutInitTurn,
} from "../../domain/cluster/cluster-record.ts";
import { type ClusterMember, type ClusterView, memberNamed } from "../../domain/cluster/members.ts";
import {
  type ClusterSight,
  isAnswer,
  type TurnFacts,
  type TurnStatus,
  type TurnStep,
} from "../../domain/cluster/turn-facts.ts";
import { decideTurn } from "../../domain/cluster/turn-rules.ts";
import type { Clusters } from "../clusters.ts";
import type { Clock, EventSink } from "../ports.ts";
import type { Registry } from "../registry.ts";
import type { ClusterLook } from "./cluster-look.ts";
import type { ClusterDraft, ClusterStates } from "./cluster-state.ts";
import type { EndpointCheck } from "./endpoint-check.ts";
import type { TurnGrants } from "./turn-grants.ts";
import type { LastAnswer, TurnReply } from "./turn-reply.ts";
import { balancersMissing, holderReinstalled, holdOf, isEtcdHost, isOnTheWay } from "./turn-situation.ts";

export interface TurnsOptions {
  readonly clusters: Clusters;
  readonly states: ClusterStates;
  readonly machines: Pick<Registry, "byName" | "apply">;
  readonly look: ClusterLook;
  readonly endpoint: Pick<EndpointCheck, "check">;
  readonly grants: TurnGrants;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly workersAtOnce: number;
}

/** One machine that asks, and the cluster that it asks about. */
interface Question {
  readonly cluster: ClusterView;
  readonly member: ClusterMember;
  readonly node: Holder;
  readonly status: TurnStatus;
}

/** Every step of the appliance's own settles something; more of them than this would be a contradiction. */
const MOST_STEPS = 12;
const NOWHERE_SECONDS = 60;

export class Turns {
  readonly #options: TurnsOptions;
  readonly #told = new Map<string, LastAnswer>();

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /**
   * Answers a machine that asks for its turn.
   * @throws MusterError `unavailable` when the store cannot be written: nothing was decided, it asks again.
   */
  async ask(node: Holder, status: TurnStatus): Promise<TurnReply> {
    const { clusters, clock } = this.#options;
    const cluster = clusters.ofMachine(node.machine);
    const member = cluster && memberNamed(cluster, node.machine);
    if (!cluster || !member) {
      return { action: "wait", reason: "this machine belongs to no cluster", retrySeconds: NOWHERE_SECONDS };
    }
    const question = { cluster, member, node, status };
    const reply = await this.#options.states.alone(cluster.name, (draft) => this.#answer(question, draft));
    this.#told.set(node.machine, { at: clock.now(), action: reply.action, reason: reply.reason });
    await this.#move(node, reply);
    return reply;
  }

  /** What a machine was told last, since the appliance started. */
  lastAnswer(machine: string): LastAnswer | undefined {
    return this.#told.get(machine);
  }

  async #answer(question: Question, draft: ClusterDraft): Promise<TurnReply> {
    let sight: ClusterSight | undefined;
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      const decision = decideTurn(await this.#facts(question, draft, sight));
      if (isAnswer(decision)) return this.#options.grants.give(question, { draft, answer: decision, sight });
      switch (decision.action) {
        case "look":
          sight = await this.#options.look.look(question.cluster);
          await this.#learn(draft, sight);
          break;
        case "adopt":
        case "admit":
        case "release":
        case "freeze":
          await this.#settle(question, { draft, step: decision, sight });
          break;
        case "expire": {
          const obstacle = await this.#options.grants.expire(question.cluster, draft, decision.machine);
          if (obstacle !== undefined) {
            return { action: "wait", reason: `${decision.reason}; ${obstacle}`, retrySeconds: 5 };
          }
          sight = undefined;
          break;
        }
      }
    }
    throw new Error(`no turn could be decided for ${question.node.machine} in ${MOST_STEPS} steps`);
  }

  async #facts(
    { cluster, member, node, status }: Question,
    { record }: ClusterDraft,
    sight: ClusterSight | undefined,
  ): Promise<TurnFacts> {
    const { machines, clock, workersAtOnce, endpoint } = this.#options;
    const unused = record.init.phase === "none";
    return {
      now: clock.now(),
      asker: { ...node, roles: member.roles },
      status,
      record,
      held: holdOf(machines.byName(node.machine)),
      holderReinstalled: holderReinstalled(record, machines),
      etcdHost: isEtcdHost(cluster, member),
      endpoint: unused ? await endpoint.check(cluster) : { kind: "free" },
      balancersMissing: unused ? balancersMissing(cluster, record) : [],
      sight,
      workersAtOnce,
    };
  }

  /** What only the cluster itself can tell is recorded as soon as it has told it. */
  async #learn(draft: ClusterDraft, { etcd }: ClusterSight): Promise<void> {
    if (etcd.kind === "answers") await draft.save(withEtcdClusterId(draft.record, etcd.clusterId));
  }

  async #settle(
    { cluster, node }: Question,
    what: { readonly draft: ClusterDraft; readonly step: TurnStep; readonly sight: ClusterSight | undefined },
  ): Promise<void> {
    const { draft, step, sight } = what;
    const { clock } = this.#options;
    const now = clock.now();
    if (step.action === "release") await draft.save(withoutInitTurn(draft.record));
    if (step.action === "freeze") await draft.save(withFreeze(draft.record, step.reason, now));
    if (step.action === "admit") await draft.save(withJoined(draft.record, node, now));
    if (step.action === "adopt") {
      const etcdClusterId = sight?.etcd.kind === "answers" ? sight.etcd.clusterId : undefined;
      const adopted = withAdopted(draft.record, this.#makerOf(node, draft, sight), {
        at: now,
        etcdClusterId,
      });
      await draft.save(step.member ? withJoined(adopted, node, now) : adopted);
    }
    if (step.action !== "look") this.#record(cluster, node, step);
  }

  /** Who made a cluster that was found alive: the holder of the turn, otherwise one of its control planes. */
  #makerOf(node: Holder, { record }: ClusterDraft, sight: ClusterSight | undefined): Holder {
    if (record.init.phase !== "none") return record.init;
    const name = sight?.nodes?.find(({ controlPlane }) => controlPlane)?.name ?? node.machine;
    return { machine: name, generation: this.#options.machines.byName(name)?.generation ?? node.generation };
  }

  #record(cluster: ClusterView, node: Holder, step: Exclude<TurnStep, { action: "look" }>): void {
    this.#options.events.record({
      type: `cluster-${step.action}`,
      machine: node.machine,
      source: "node",
      level: step.action === "freeze" ? "alarm" : "warning",
      message: `cluster ${cluster.name}: ${STEP_WORDS[step.action]}: ${step.reason}`,
      data: { cluster: cluster.name },
    });
  }

  /** The machine's own lifecycle follows what it was told. */
  async #move({ machine, generation }: Holder, reply: TurnReply): Promise<void> {
    const { machines } = this.#options;
    if (!isOnTheWay(machines.byName(machine))) return;
    if (reply.action === "init" || reply.action === "join") {
      await machines.apply(machine, { type: "turn-granted", generation }, "node");
    } else if (reply.action === "wait" || reply.action === "resume") {
      await machines.apply(machine, { type: "turn-asked", generation }, "node");
    } else if (reply.action === "reset" && machines.byName(machine)?.state === "joining") {
      await machines.apply(machine, { type: "turn-ended", reason: reply.reason }, "node");
    }
  }
}

const STEP_WORDS = {
  adopt: "it lives although nobody reported so",
  admit: "a machine is a member although it never reported so",
  release: "the turn to initialise is free again",
  expire: "a turn has run out",
  freeze: "nobody gets a turn any more",
} as const;
