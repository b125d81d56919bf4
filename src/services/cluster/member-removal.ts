/**
 * Takes a member out of its cluster so that it can be installed anew: its pods, its etcd member, its Node, in this order
 * (kubernetes.md 2.7, 2.8). The machine's state says how far it is, so that a restarted appliance goes on with it.
 */
import { withoutMember } from "../../domain/cluster/cluster-record.ts";
import {
  type ClusterMember,
  type ClusterView,
  etcdMembersOf,
  memberNamed,
} from "../../domain/cluster/members.ts";
import { MusterError, TransitionError } from "../../domain/errors.ts";
import type { Machine } from "../../domain/machine.ts";
import type { Clusters } from "../clusters.ts";
import type { Clock, EventSink, Log, Service } from "../ports.ts";
import type { Registry, Source } from "../registry.ts";
import type { ReimageRemoval, ReimageRequest } from "../reimage.ts";
import type { Timers } from "../timers.ts";
import { ClusterUnreachableError } from "./cluster-errors.ts";
import type { ClusterLook } from "./cluster-look.ts";
import type { ClusterStates } from "./cluster-state.ts";
import { type DrainOutcome, drainNode } from "./drain-node.ts";
import { quorumObjection } from "./member-guard.ts";
import { pause } from "./pause.ts";
import type { ClusterAccess } from "./ports.ts";
import { etcdMemberOf, removeRemnants } from "./remnants.ts";

const ETCD_SETTLES_MS = 60_000;
const ASK_AGAIN_MS = 3_000;

export interface MemberRemovalOptions {
  readonly clusters: Clusters;
  readonly states: ClusterStates;
  readonly machines: Registry;
  readonly access: ClusterAccess;
  readonly look: ClusterLook;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** How long pods may take to leave, in milliseconds. */
  readonly drainMs: number;
  /** Copies a cluster's etcd before its membership changes. */
  readonly copyEtcd?: (cluster: ClusterView) => Promise<unknown>;
}

interface Leaving {
  readonly cluster: ClusterView;
  readonly member: ClusterMember;
  readonly source: Source;
  /** A person said that pods which do not leave in time may be lost. */
  readonly force: boolean;
}

/** What stood in the way to the end and was overridden by force. */
interface TakenOut {
  readonly obstacle: string | undefined;
}

export class MemberRemoval implements Service, ReimageRemoval {
  readonly #options: MemberRemovalOptions;
  readonly #underWay = new Map<string, Promise<void>>();
  #stopping = new AbortController();

  constructor(options: MemberRemovalOptions) {
    this.#options = options;
  }

  /** Goes on with what was under way when the appliance stopped. */
  start(): Promise<void> {
    if (this.#stopping.signal.aborted) this.#stopping = new AbortController();
    for (const { name, state } of this.#options.machines.list()) {
      if (state === "draining" || state === "removing")
        this.#run(name, { source: "appliance", force: false });
    }
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#underWay.values());
  }

  /**
   * Begins the removal of a machine that is a member; the machine comes back as `draining` and is `registered` in its next
   * generation at the end. Undefined for a machine that is in no cluster: nothing has to be removed.
   * @throws TransitionError when its state does not allow it.
   */
  async begin(machine: Machine, request: ReimageRequest, source: Source): Promise<Machine | undefined> {
    if (!this.#isMember(machine)) return undefined;
    const outcome = await this.#options.machines.apply(machine.name, { type: "drain-started" }, source);
    if (!outcome.ok) throw new TransitionError(`machine ${machine.name}: ${outcome.reason}`);
    this.#run(machine.name, { source, force: request.force === true });
    return outcome.machine;
  }

  /** Resolves when nothing is under way for this machine; for tests and for waiting callers. */
  async settled(machine: string): Promise<void> {
    await this.#underWay.get(machine);
  }

  #isMember({ name }: Machine): boolean {
    const { clusters, states } = this.#options;
    const cluster = clusters.ofMachine(name);
    if (!cluster) return false;
    const record = states.get(cluster.name);
    const progress = record.members[name];
    const joined = progress?.joinedAt !== undefined || record.joins.some(({ machine }) => machine === name);
    return record.init.phase === "initialised" && joined;
  }

  #run(name: string, how: Pick<Leaving, "source" | "force">): void {
    if (this.#underWay.has(name)) return;
    const work = this.#remove(name, how)
      .catch((error: unknown) => this.#giveUp(name, error instanceof Error ? error.message : String(error)))
      .catch((error: unknown) => {
        this.#options.log.error(
          { err: error, machine: name },
          "a machine could not be taken out of its cluster",
        );
      })
      .finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, work);
  }

  async #remove(name: string, how: Pick<Leaving, "source" | "force">): Promise<void> {
    const { clusters } = this.#options;
    const cluster = clusters.ofMachine(name);
    const member = cluster && memberNamed(cluster, name);
    if (!cluster || !member) throw new MusterError("refused", "it belongs to no cluster any more");
    const leaving = { cluster, member, ...how };
    if ((await this.#drain(leaving)) === "stopped") return;
    await this.#options.machines.apply(name, { type: "removal-started" }, how.source);
    const left = await this.#takeOut(leaving);
    if (left !== "stopped") await this.#register(leaving, left);
  }

  async #drain({ cluster, member, force }: Leaving): Promise<"gone" | "stopped"> {
    const { access, clock, timers, drainMs } = this.#options;
    const { signal: stopping } = this.#stopping;
    const kubernetes = await access.kubernetes(cluster);
    const node = member.name;
    const drained = drainNode({ kubernetes, node, limit: drainMs, clock, timers, stopping });
    const outcome = await (force ? drained.catch(unlessUnreachable) : drained);
    if (outcome.kind === "stopped") return "stopped";
    if (outcome.kind !== "blocked" || force) return "gone";
    const pods = outcome.pods.join(", ");
    throw new MusterError(
      "refused",
      `its pods did not leave in time: ${pods}; make room for them, or reimage with --force to lose them`,
    );
  }

  async #takeOut({ cluster, member, force }: Leaving): Promise<TakenOut | "stopped"> {
    const { machines, look } = this.#options;
    const machine = machines.byName(member.name);
    const objection = machine && (await quorumObjection(this.#options, machine));
    if (objection !== undefined) throw new MusterError("refused", objection);
    await this.#copyEtcd(cluster, member);
    await this.#handOverLeadership(cluster, member);
    const obstacle = await this.#removeRemnants(cluster, member);
    if (obstacle !== undefined && this.#stopping.signal.aborted) return "stopped";
    // What stays behind is removed when the machine joins again.
    if (obstacle !== undefined && !force) throw new MusterError("refused", obstacle);
    look.forget(cluster.name);
    return { obstacle };
  }

  /**
   * An etcd in which a member has just come back, or leadership has just moved, lets nobody leave for some seconds
   * ("unhealthy cluster"), so it is asked again for a while. @returns what stood in the way to the end
   */
  async #removeRemnants(cluster: ClusterView, member: ClusterMember): Promise<string | undefined> {
    const { access, clock, timers } = this.#options;
    const { signal: stopping } = this.#stopping;
    const inEtcd = etcdMembersOf(cluster).some(({ name }) => name === member.name);
    const until = clock.monotonic() + (inEtcd ? ETCD_SETTLES_MS : 0);
    for (;;) {
      const obstacle = await removeRemnants(access, cluster, member);
      if (obstacle === undefined || stopping.aborted || clock.monotonic() >= until) return obstacle;
      await pause(ASK_AGAIN_MS, { timers, stopping });
    }
  }

  /** A full disk of the appliance must not keep a broken machine in its cluster: without a copy it goes on, and says so. */
  async #copyEtcd(cluster: ClusterView, { name }: ClusterMember): Promise<void> {
    const { copyEtcd, events, log } = this.#options;
    if (!copyEtcd || !etcdMembersOf(cluster).some((each) => each.name === name)) return;
    try {
      await copyEtcd(cluster);
    } catch (error) {
      log.error({ err: error, cluster: cluster.name }, "etcd was not copied before a member leaves");
      events.record({
        type: "etcd-snapshot-failed",
        machine: name,
        source: "appliance",
        level: "warning",
        message: `etcd of cluster ${cluster.name} was not copied before ${name} leaves it`,
      });
    }
  }

  /** An election costs the API seconds in which it takes no writes: a leader that goes hands over first. */
  async #handOverLeadership(cluster: ClusterView, member: ClusterMember): Promise<void> {
    const { look, access } = this.#options;
    if (!etcdMembersOf(cluster).some(({ name }) => name === member.name)) return;
    const { etcd: sight } = await look.look(cluster);
    if (sight.kind !== "answers" || sight.leader !== member.name) return;
    const heir = sight.healthy.find((name) => name !== member.name);
    const etcd = await access.etcd(cluster);
    const { members } = await etcd.memberList();
    const to = members.find(({ name }) => name === heir);
    if (to && etcdMemberOf(members, member)) await etcd.moveLeader(to.id);
  }

  async #register({ cluster, member, source }: Leaving, { obstacle }: TakenOut): Promise<void> {
    const { machines, states, events } = this.#options;
    const { name } = member;
    await states.update(cluster.name, (record) => withoutMember(record, name));
    const outcome = await machines.apply(name, { type: "reimage-requested", confirmed: true }, source);
    if (!outcome.ok) throw new TransitionError(outcome.reason);
    events.record({
      type: "member-removed",
      machine: name,
      source,
      ...(obstacle === undefined ? {} : { level: "warning" }),
      message: `${name} was taken out of cluster ${cluster.name}${stillThere(obstacle)}; power-cycle it to install it anew`,
      data: { cluster: cluster.name },
    });
  }

  async #giveUp(name: string, reason: string): Promise<void> {
    const { machines, events } = this.#options;
    await machines.apply(name, { type: "removal-given-up", reason }, "appliance");
    events.record({
      type: "reimage-given-up",
      machine: name,
      source: "appliance",
      level: "warning",
      message: `the reimage was given up: ${reason}`,
    });
  }
}

function stillThere(obstacle: string | undefined): string {
  return obstacle === undefined
    ? ""
    : ` by force; what it left there is removed when it joins again (${obstacle})`;
}

/** With force a worker goes although nobody can be asked to drain it. */
function unlessUnreachable(error: unknown): DrainOutcome {
  if (error instanceof ClusterUnreachableError) return { kind: "nothing-to-drain" };
  throw error;
}
