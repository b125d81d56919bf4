/** What machines report on their way into a cluster, and what becomes of their turns by it. */
import {
  type ClusterRecord,
  type Holder,
  hasJoined,
  joinTurnOf,
  progressOf,
  sameHolder,
  withInitFailure,
  withInitialised,
  withJoined,
  withoutInitTurn,
  withoutMember,
  withProgress,
} from "../../domain/cluster/cluster-record.ts";
import { type ClusterMember, type ClusterView, isNode, memberNamed } from "../../domain/cluster/members.ts";
import type { Clusters } from "../clusters.ts";
import type { Clock, EventSink } from "../ports.ts";
import type { Registry } from "../registry.ts";
import type { ClusterLook } from "./cluster-look.ts";
import type { ClusterDraft, ClusterStates } from "./cluster-state.ts";
import { type JoinTokens, spendInitToken } from "./join-tokens.ts";
import { isEtcdHost, isOnTheWay } from "./turn-situation.ts";

export interface StepReport {
  readonly step: string;
  readonly state: "started" | "done" | "failed";
  /** The tail of its log. */
  readonly log?: string | undefined;
}

export type StepOutcome =
  | { readonly kind: "acknowledged" }
  | { readonly kind: "refused"; readonly reason: string };

export interface TurnReportsOptions {
  readonly clusters: Clusters;
  readonly states: ClusterStates;
  readonly machines: Pick<Registry, "byName" | "apply">;
  readonly look: ClusterLook;
  readonly tokens: Pick<JoinTokens, "initToken">;
  readonly events: EventSink;
  readonly clock: Clock;
  /** Called when tokens may have become useless. */
  readonly turnEnded: (cluster: string) => void;
}

interface Reporter {
  readonly cluster: ClusterView;
  readonly member: ClusterMember;
  readonly node: Holder;
}

const ACKNOWLEDGED: StepOutcome = { kind: "acknowledged" };

export class TurnReports {
  readonly #options: TurnReportsOptions;

  constructor(options: TurnReportsOptions) {
    this.#options = options;
  }

  /**
   * Takes the report of one step. `kubeadm done` is only acknowledged once it is durable: the machine starts its kubelet
   * by itself from then on.
   */
  async report(node: Holder, report: StepReport): Promise<StepOutcome> {
    const { clusters } = this.#options;
    const cluster = clusters.ofMachine(node.machine);
    const member = cluster && memberNamed(cluster, node.machine);
    if (!cluster || !member) return { kind: "refused", reason: "this machine belongs to no cluster" };
    this.#note(node, report);
    await this.#move(node, report);
    return this.#take({ cluster, member, node }, report);
  }

  async #take(reporter: Reporter, { step, state }: StepReport): Promise<StepOutcome> {
    const { node, cluster } = reporter;
    if (state === "started") return ACKNOWLEDGED;
    if (state === "failed") return step === "kubeadm" ? this.#kubeadmFailed(reporter) : ACKNOWLEDGED;
    switch (step) {
      case "kubeadm":
        return this.#kubeadmDone(reporter);
      case "reset":
        return this.#change(reporter, (record) => clean(record, node));
      case "balancer":
        return this.#change(reporter, (record, now) => noted(record, node, { balancerAt: now }));
      case "addons":
        return this.#change(reporter, (record, now) => ({ ...record, addons: { doneAt: now } }));
      case "finished":
        await this.#change(reporter, (record, now) => noted(record, node, { finishedAt: now }));
        if (!isNode(reporter.member)) await this.#readyWithoutNode(reporter);
        return ACKNOWLEDGED;
      default:
        this.#options.look.forget(cluster.name);
        return ACKNOWLEDGED;
    }
  }

  async #kubeadmDone({ cluster, member, node }: Reporter): Promise<StepOutcome> {
    const { states, clock, look } = this.#options;
    look.forget(cluster.name);
    const outcome = await states.alone(cluster.name, async (draft): Promise<StepOutcome> => {
      const { record } = draft;
      if (hasJoined(record, node)) return ACKNOWLEDGED;
      if (record.init.phase === "initialising" && sameHolder(record.init, node)) {
        await this.#initialised({ cluster, node, draft });
        return ACKNOWLEDGED;
      }
      const turn = joinTurnOf(record, node);
      const mayJoin = (turn && !turn.revoked) ?? isEtcdHost(cluster, member);
      if (!mayJoin)
        return { kind: "refused", reason: `it is not the turn of ${node.machine}; ask for it again` };
      await draft.save(withJoined(record, node, clock.now()));
      return ACKNOWLEDGED;
    });
    if (outcome.kind === "acknowledged") this.#options.turnEnded(cluster.name);
    return outcome;
  }

  async #initialised({
    cluster,
    node,
    draft,
  }: {
    readonly cluster: ClusterView;
    readonly node: Holder;
    readonly draft: ClusterDraft;
  }): Promise<void> {
    const { look, tokens, clock, events } = this.#options;
    const { init } = draft.record;
    const { etcd } = await look.look(cluster);
    const etcdClusterId = etcd.kind === "answers" ? etcd.clusterId : undefined;
    const since = init.phase === "initialising" ? init.since : 0;
    const { id } = tokens.initToken({ cluster: cluster.name, ...node, since });
    const now = clock.now();
    await draft.save(
      spendInitToken(withInitialised(draft.record, node, { at: now, etcdClusterId }), id, now),
    );
    events.record({
      type: "cluster-initialised",
      machine: node.machine,
      source: "node",
      message: `cluster ${cluster.name} lives: ${node.machine} initialised it`,
      data: { cluster: cluster.name, ...(etcdClusterId === undefined ? {} : { etcdClusterId }) },
    });
  }

  async #kubeadmFailed({ cluster, node }: Reporter): Promise<StepOutcome> {
    this.#options.look.forget(cluster.name);
    await this.#options.states.update(cluster.name, (record) =>
      record.init.phase === "initialising" && sameHolder(record.init, node)
        ? withInitFailure(record)
        : record,
    );
    return ACKNOWLEDGED;
  }

  async #change(
    { cluster }: Reporter,
    change: (record: ClusterRecord, now: number) => ClusterRecord,
  ): Promise<StepOutcome> {
    const now = this.#options.clock.now();
    await this.#options.states.update(cluster.name, (record) => change(record, now));
    this.#options.look.forget(cluster.name);
    return ACKNOWLEDGED;
  }

  /** No Node will ever speak for a load balancer or an etcd host: its last report does. */
  async #readyWithoutNode({ node }: Reporter): Promise<void> {
    await this.#options.machines.apply(node.machine, { type: "node-ready" }, "node");
  }

  async #move({ machine, generation }: Holder, { step, state, log }: StepReport): Promise<void> {
    const { machines } = this.#options;
    const known = machines.byName(machine);
    if (!isOnTheWay(known)) return;
    // Its beginning has moved the machine already.
    if (state === "done" && known.state !== "failed") return;
    if (state !== "failed") {
      await machines.apply(machine, { type: "step-reported", generation, step }, "node");
      return;
    }
    const reason = `step ${step} failed${lastLine(log)}`;
    if (known.state === "failed") return;
    await machines.apply(machine, { type: "node-failed", generation, reason }, "node");
  }

  /** People read the log of a failure in the timeline. */
  #note({ machine }: Holder, { step, state, log }: StepReport): void {
    if (state === "started") return;
    this.#options.events.record({
      type: `step-${state}`,
      machine,
      source: "node",
      level: state === "failed" ? "warning" : "info",
      message: `step ${step} ${state}`,
      ...(state === "failed" && log !== undefined ? { data: { log } } : {}),
    });
  }
}

/** A machine that reset itself carries nothing of the cluster any more. */
function clean(record: ClusterRecord, node: Holder): ClusterRecord {
  const { init } = record;
  const holdsInit = init.phase === "initialising" && sameHolder(init, node);
  const without = withoutMember(record, node.machine);
  return holdsInit ? withoutInitTurn(without) : without;
}

function noted(record: ClusterRecord, node: Holder, fact: object): ClusterRecord {
  const before = progressOf(record, node) ?? { generation: node.generation };
  return withProgress(record, node.machine, { ...before, ...fact });
}

function lastLine(log: string | undefined): string {
  const line = log?.trimEnd().split("\n").at(-1)?.trim() ?? "";
  return line === "" ? "" : `: ${line.slice(0, 300)}`;
}
