/** What a decided turn means: the record, the token, and what a machine left behind that must go first. */
import {
  type Holder,
  type JoinTurn,
  joinTurnOf,
  withInitTurn,
  withJoinTurn,
  withoutJoinTurn,
  withoutMember,
  withRevokedJoinTurn,
} from "../../domain/cluster/cluster-record.ts";
import { type ClusterMember, type ClusterView, memberNamed } from "../../domain/cluster/members.ts";
import type { ClusterSight, TurnAnswer } from "../../domain/cluster/turn-facts.ts";
import { MusterError } from "../../domain/errors.ts";
import type { Clock, EventSink } from "../ports.ts";
import type { Registry } from "../registry.ts";
import type { ClusterLook } from "./cluster-look.ts";
import type { ClusterDraft } from "./cluster-state.ts";
import type { JoinTokens } from "./join-tokens.ts";
import type { NodeSecrets } from "./node-secrets.ts";
import type { ClusterAccess } from "./ports.ts";
import { removeRemnants } from "./remnants.ts";
import type { TurnReply } from "./turn-reply.ts";

export interface TurnGrantsOptions {
  readonly access: ClusterAccess;
  readonly machines: Pick<Registry, "apply" | "byName">;
  readonly look: Pick<ClusterLook, "forget">;
  readonly tokens: Pick<JoinTokens, "initToken" | "mint">;
  readonly secrets: Pick<NodeSecrets, "reopen">;
  readonly events: EventSink;
  readonly clock: Clock;
  /** How long a join may take before its turn may move on, in milliseconds. */
  readonly joinTurnMs: number;
}

interface Asker {
  readonly cluster: ClusterView;
  readonly member: ClusterMember;
  readonly node: Holder;
}

const OBSTACLE_SECONDS = 5;
const ETCD_PEER_PORT = 2380;

export class TurnGrants {
  readonly #options: TurnGrantsOptions;

  constructor(options: TurnGrantsOptions) {
    this.#options = options;
  }

  /** Makes an answer true: what it needs is recorded, durable, and in the reply. */
  async give(
    asker: Asker,
    what: {
      readonly draft: ClusterDraft;
      readonly answer: TurnAnswer;
      readonly sight: ClusterSight | undefined;
    },
  ): Promise<TurnReply> {
    const { draft, answer } = what;
    switch (answer.action) {
      case "reset":
        return this.#reset(asker, draft, answer.reason);
      case "init":
        return answer.role === "etcd" ? answer : this.#init(asker, draft, answer.reason);
      case "join":
        return answer.role === "etcd" ? this.#joinEtcd(asker, what, answer) : this.#join(asker, what, answer);
      case "wait":
      case "resume":
      case "leave":
      case "done":
        return answer;
    }
  }

  /**
   * Ends the turn of a machine that did not join in time, after what it half joined was removed.
   * @returns why that cannot be done now; the turn stays where it is.
   */
  async expire(cluster: ClusterView, draft: ClusterDraft, machine: string): Promise<string | undefined> {
    const member = memberNamed(cluster, machine);
    await draft.save(withRevokedJoinTurn(draft.record, machine));
    const obstacle = member && (await removeRemnants(this.#options.access, cluster, member));
    if (obstacle !== undefined) return `what it half joined cannot be removed: ${obstacle}`;
    await draft.save(withoutJoinTurn(draft.record, machine));
    this.#options.look.forget(cluster.name);
    await this.#options.machines.apply(
      machine,
      { type: "turn-ended", reason: "it did not join in time" },
      "node",
    );
    this.#record(cluster, machine, "turn-expired", `${machine} did not join in time; its turn has moved on`);
    return undefined;
  }

  async #init({ cluster, node }: Asker, draft: ClusterDraft, reason: string): Promise<TurnReply> {
    const { clock, tokens, look } = this.#options;
    look.forget(cluster.name);
    if (draft.record.init.phase === "none") {
      await draft.save(withInitTurn(draft.record, node, clock.now()));
      this.#record(
        cluster,
        node.machine,
        "init-turn-granted",
        `${node.machine} initialises cluster ${cluster.name}`,
      );
    }
    const { init } = draft.record;
    const since = init.phase === "initialising" ? init.since : clock.now();
    const { token } = tokens.initToken({ cluster: cluster.name, ...node, since });
    return { action: "init", role: "control-plane", reason, token };
  }

  async #join(
    asker: Asker,
    { draft, sight }: { readonly draft: ClusterDraft; readonly sight: ClusterSight | undefined },
    answer: { readonly role: "control-plane" | "worker" | "etcd"; readonly reason: string },
  ): Promise<TurnReply> {
    const { cluster, member, node } = asker;
    const { access, clock, joinTurnMs, tokens } = this.#options;
    const { role, reason } = answer;
    // Clean as it is, whatever the cluster lists under its name belongs to an earlier installation.
    const obstacle = mayBeListed(member, sight) ? await removeRemnants(access, cluster, member) : undefined;
    if (obstacle !== undefined)
      return wait(`what ${node.machine} left in the cluster cannot be removed: ${obstacle}`);
    const now = clock.now();
    const repeated = joinTurnOf(draft.record, node);
    const turn: JoinTurn = { ...node, role, since: repeated?.since ?? now, deadline: now + joinTurnMs };
    await draft.save(withJoinTurn(withoutJoinTurn(draft.record, node.machine), turn));
    try {
      const token = await tokens.mint(cluster, { machine: node.machine, lifetimeMs: joinTurnMs });
      await draft.save(withJoinTurn(draft.record, { ...turn, tokenId: token.id }));
      this.#options.look.forget(cluster.name);
      if (!repeated) {
        const message = `${node.machine} joins cluster ${cluster.name} as ${role}`;
        this.#record(cluster, node.machine, "join-turn-granted", message);
      }
      return { action: "join", role, reason, token: token.token, deadline: turn.deadline };
    } catch (error) {
      if (!(error instanceof MusterError)) throw error;
      await draft.save(withoutJoinTurn(draft.record, node.machine));
      return wait(`no token can be made: ${error.message}`);
    }
  }

  /** An empty host gets its place before it starts; one with data has it. */
  async #joinEtcd(
    { cluster, member, node }: Asker,
    { sight }: { readonly sight: ClusterSight | undefined },
    { role, reason }: { readonly role: "control-plane" | "worker" | "etcd"; readonly reason: string },
  ): Promise<TurnReply> {
    if (sight === undefined) return { action: "join", role, reason };
    try {
      const etcd = await this.#options.access.etcd(cluster);
      await etcd.memberAdd(`https://${member.address}:${ETCD_PEER_PORT}`);
      this.#record(
        cluster,
        node.machine,
        "join-turn-granted",
        `${node.machine} joins the etcd of ${cluster.name}`,
      );
      return { action: "join", role, reason };
    } catch (error) {
      if (!(error instanceof MusterError)) throw error;
      return wait(`etcd does not take it in: ${error.message}`);
    }
  }

  async #reset({ cluster, member, node }: Asker, draft: ClusterDraft, reason: string): Promise<TurnReply> {
    const { access, secrets, look } = this.#options;
    if (draft.record.init.phase === "initialised") {
      const obstacle = await removeRemnants(access, cluster, member);
      if (obstacle !== undefined) return wait(`${reason}, but its remains cannot be removed: ${obstacle}`);
    }
    await draft.save(withoutMember(draft.record, node.machine));
    await secrets.reopen(node);
    look.forget(cluster.name);
    this.#record(cluster, node.machine, "reset-ordered", `${node.machine} resets itself: ${reason}`);
    return { action: "reset", reason };
  }

  #record(cluster: ClusterView, machine: string, type: string, message: string): void {
    this.#options.events.record({ type, machine, source: "node", message, data: { cluster: cluster.name } });
  }
}

function wait(reason: string): TurnReply {
  return { action: "wait", reason, retrySeconds: OBSTACLE_SECONDS };
}

/** Without a look nobody knows: then it is removed to be sure. */
function mayBeListed({ name }: ClusterMember, sight: ClusterSight | undefined): boolean {
  if (!sight?.nodes) return true;
  const inEtcd = sight.etcd.kind === "answers" && sight.etcd.members.some((each) => each.name === name);
  return inEtcd || sight.nodes.some((node) => node.name === name);
}
