/** Who gets a cluster's keys: members whose role needs them, by the identity of their present generation, until they have kept them. */
import {
  type ClusterRecord,
  type Holder,
  isBanished,
  joinTurnOf,
  sameHolder,
} from "../../domain/cluster/cluster-record.ts";
import { type ClusterMember, type ClusterView, memberNamed } from "../../domain/cluster/members.ts";
import type { Clusters } from "../clusters.ts";
import type { Clock, EventSink, MachineLookup } from "../ports.ts";
import type { NodeIdentityRecord, NodeIdentityStore } from "../store.ts";
import type { PkiFile } from "./cluster-authorities.ts";
import type { ClusterStates } from "./cluster-state.ts";

export type SecretsOutcome =
  | { readonly kind: "files"; readonly files: readonly PkiFile[] }
  | { readonly kind: "refused"; readonly code: "forbidden" | "not-permitted-now"; readonly reason: string };

/** The files of a member; empty for one whose roles need none. */
export type SecretFiles = (what: {
  readonly cluster: ClusterView;
  readonly member: ClusterMember;
}) => Promise<readonly PkiFile[]>;

export interface NodeSecretsOptions {
  readonly clusters: Clusters;
  readonly states: Pick<ClusterStates, "get">;
  readonly machines: Pick<MachineLookup, "byName">;
  readonly identities: NodeIdentityStore;
  readonly filesOf: SecretFiles;
  readonly events: EventSink;
  readonly clock: Clock;
}

export class NodeSecrets {
  readonly #options: NodeSecretsOptions;

  constructor(options: NodeSecretsOptions) {
    this.#options = options;
  }

  /** The secrets of a machine whose certificate was verified; every handing out and every refusal is on record. */
  async secretsFor(node: Holder, facts: { readonly address?: string }): Promise<SecretsOutcome> {
    const { clusters, events } = this.#options;
    const cluster = clusters.ofMachine(node.machine);
    const member = cluster && memberNamed(cluster, node.machine);
    if (!cluster || !member) return refused("forbidden", "this machine belongs to no cluster");
    const objection = await this.#objection(cluster, member, node);
    if (objection) {
      this.#alarm(node, objection, facts);
      return objection;
    }
    const files = await this.#options.filesOf({ cluster, member });
    if (files.length === 0) return refused("forbidden", `the roles of ${node.machine} need no secrets`);
    events.record({
      type: "secrets-given",
      machine: node.machine,
      source: "node",
      message: `gave ${node.machine} ${files.length} files of the PKI of cluster ${cluster.name}`,
      data: { cluster: cluster.name, generation: node.generation, ...facts },
    });
    return { kind: "files", files };
  }

  /** The machine has them on its disk: from now on they are given to nobody under this identity. */
  async kept({ machine, generation }: Holder): Promise<void> {
    const { identities, clock } = this.#options;
    const identity = await identities.get(machine, generation);
    if (!identity || identity.confirmedAt !== undefined) return;
    await identities.put({ ...identity, confirmedAt: clock.now() });
  }

  /** The machine was told to wipe what it holds: it may ask for its secrets again. */
  async reopen({ machine, generation }: Holder): Promise<void> {
    const { identities } = this.#options;
    const identity = await identities.get(machine, generation);
    if (identity?.confirmedAt === undefined) return;
    await identities.put(unconfirmed(identity));
  }

  async #objection(
    cluster: ClusterView,
    member: ClusterMember,
    node: Holder,
  ): Promise<Extract<SecretsOutcome, { kind: "refused" }> | undefined> {
    const { states, machines, identities } = this.#options;
    const record = states.get(cluster.name);
    const held = machines.byName(node.machine)?.held;
    if (isBanished(record, node))
      return refused("forbidden", `${node.machine} was declared gone; reimage it`);
    if (held !== undefined) return refused("not-permitted-now", `${node.machine} is held: ${held}`);
    const identity = await identities.get(node.machine, node.generation);
    if (identity?.confirmedAt !== undefined) {
      return refused(
        "forbidden",
        `${node.machine} has confirmed that it holds its secrets; reimage it to get new ones`,
      );
    }
    if (member.roles.includes("control-plane") && !hasTurn(record, node)) {
      return refused(
        "not-permitted-now",
        `it is not the turn of ${node.machine}: secrets come with the turn`,
      );
    }
    return undefined;
  }

  #alarm(
    node: Holder,
    { reason, code }: { readonly reason: string; readonly code: string },
    facts: object,
  ): void {
    this.#options.events.record({
      type: "secrets-refused",
      machine: node.machine,
      source: "node",
      level: code === "forbidden" ? "alarm" : "warning",
      message: `secrets refused: ${reason}`,
      data: { generation: node.generation, ...facts },
    });
  }
}

function hasTurn(record: ClusterRecord, node: Holder): boolean {
  const { init } = record;
  return (init.phase === "initialising" && sameHolder(init, node)) || joinTurnOf(record, node) !== undefined;
}

function refused(
  code: "forbidden" | "not-permitted-now",
  reason: string,
): Extract<SecretsOutcome, { kind: "refused" }> {
  return { kind: "refused", code, reason };
}

function unconfirmed(identity: NodeIdentityRecord): NodeIdentityRecord {
  const open = Object.entries(identity).filter(([field]) => field !== "confirmedAt");
  return Object.fromEntries(open) as unknown as NodeIdentityRecord;
}
