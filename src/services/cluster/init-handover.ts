/** A person decides about a cluster that cannot go on by itself: a holder of the init turn that is gone, a frozen cluster. */
import { withBanished, withInitTurn } from "../../domain/cluster/cluster-record.ts";
import { type ClusterView, memberNamed } from "../../domain/cluster/members.ts";
import { MusterError, NotFoundError } from "../../domain/errors.ts";
import type { Clusters } from "../clusters.ts";
import type { Clock, EventSink } from "../ports.ts";
import type { Registry, Source } from "../registry.ts";
import type { NodeIdentityStore } from "../store.ts";
import type { ClusterLook } from "./cluster-look.ts";
import type { ClusterStates } from "./cluster-state.ts";

export interface InitHandoverOptions {
  readonly clusters: Clusters;
  readonly states: ClusterStates;
  readonly machines: Pick<Registry, "byName" | "apply">;
  readonly identities: NodeIdentityStore;
  readonly look: Pick<ClusterLook, "forget">;
  readonly events: EventSink;
  readonly clock: Clock;
}

export class InitHandover {
  readonly #options: InitHandoverOptions;

  constructor(options: InitHandoverOptions) {
    this.#options = options;
  }

  /**
   * Gives the init turn to another control plane because its holder is gone for good. The holder's identity is revoked: should
   * it come back, it is told to leave and nothing else.
   * @throws NotFoundError; MusterError `refused` when somebody else holds the turn, or nobody does.
   */
  async give(
    name: string,
    request: { readonly to: string; readonly confirmGone: string },
    source: Source,
  ): Promise<void> {
    const { states, identities, machines, events, clock, look } = this.#options;
    const cluster = this.#cluster(name);
    const generation = this.#heir(cluster, request);
    const gone = await states.alone(cluster.name, async (draft) => {
      const { init } = draft.record;
      if (init.phase !== "initialising") throw refused(notInitialising(name, init.phase));
      if (init.machine !== request.confirmGone) {
        throw refused(
          `the turn to initialise ${name} is held by ${init.machine}, not by ${request.confirmGone}`,
        );
      }
      // Revoked first: between the two nobody has the turn, never two machines.
      await identities.revoke({ machine: init.machine, upTo: init.generation, at: clock.now() });
      const freed = withBanished(draft.record, init, clock.now());
      await draft.save(withInitTurn(freed, { machine: request.to, generation }, clock.now()));
      return { machine: init.machine, generation: init.generation };
    });
    look.forget(cluster.name);
    const reason = `declared gone: its turn to initialise ${name} was given to ${request.to}; reimage it`;
    await machines.apply(gone.machine, { type: "node-failed", generation: gone.generation, reason }, source);
    events.record({
      type: "init-turn-given",
      machine: request.to,
      source,
      level: "warning",
      message: `the turn to initialise cluster ${name} was given to ${request.to}; ${gone.machine} was declared gone`,
      data: { cluster: name, ...request },
    });
  }

  /**
   * Lets a frozen cluster go on. `etcdClusterId` is what a person found to be the right one, as after a restore of etcd.
   * @throws NotFoundError; MusterError `refused` when it is not frozen.
   */
  async unfreeze(
    name: string,
    request: { readonly etcdClusterId?: string | undefined },
    source: Source,
  ): Promise<void> {
    const { states, events, look } = this.#options;
    this.#cluster(name);
    await states.update(name, (record) => {
      const { frozen, ...rest } = record;
      if (!frozen) throw refused(`cluster ${name} is not frozen`);
      const { init } = rest;
      if (request.etcdClusterId === undefined || init.phase !== "initialised") return rest;
      return { ...rest, init: { ...init, etcdClusterId: request.etcdClusterId } };
    });
    look.forget(name);
    events.record({
      type: "cluster-unfrozen",
      source,
      level: "warning",
      message: `cluster ${name} goes on`,
      data: { cluster: name, ...request },
    });
  }

  #cluster(name: string): ClusterView {
    const cluster = this.#options.clusters.get(name);
    if (!cluster) throw new NotFoundError(`there is no cluster named ${name}`);
    return cluster;
  }

  /** The generation of the machine that is to initialise. */
  #heir(
    cluster: ClusterView,
    { to, confirmGone }: { readonly to: string; readonly confirmGone: string },
  ): number {
    const member = memberNamed(cluster, to);
    const machine = this.#options.machines.byName(to);
    if (!member || !machine) throw new NotFoundError(`cluster ${cluster.name} has no machine named ${to}`);
    if (!member.roles.includes("control-plane")) throw refused(`${to} is no control plane`);
    if (to === confirmGone) throw refused(`${to} cannot be gone and initialise the cluster`);
    if (machine.held !== undefined) throw refused(`${to} is held: ${machine.held}`);
    return machine.generation;
  }
}

function refused(reason: string): MusterError {
  return new MusterError("refused", reason);
}

function notInitialising(name: string, phase: "none" | "initialised"): string {
  return phase === "none"
    ? `nobody holds the turn to initialise ${name}: the first control plane that asks gets it`
    : `cluster ${name} is initialised already; reimage the machine instead`;
}
