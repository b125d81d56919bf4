/**
 * What the appliance remembers of one cluster's assembly: who initialised it, who may join now, who is in. Values are
 * immutable; every function here makes the next one. The store keeps exactly this.
 */

/** A machine in one of its generations: the holder of a turn. */
export interface Holder {
  readonly machine: string;
  readonly generation: number;
}

/** A cluster is initialised once in its life: the phase only ever goes back from `initialising`, and only with proof. */
export type InitState =
  | { readonly phase: "none" }
  | ({
      readonly phase: "initialising";
      readonly since: number;
      /** How often its holder reported that kubeadm failed, since it last reset itself. */
      readonly failures?: number;
    } & Holder)
  | ({
      readonly phase: "initialised";
      readonly at: number;
      /** Hexadecimal; absent until etcd could be asked. */
      readonly etcdClusterId?: string;
    } & Holder);

export type TurnRole = "control-plane" | "worker" | "etcd";

export interface JoinTurn extends Holder {
  readonly role: TurnRole;
  readonly since: number;
  /** From then on it may move on, once what is half joined was removed. Epoch milliseconds. */
  readonly deadline: number;
  /** The public half of the token that was given with it. */
  readonly tokenId?: string;
  /** It has run out and what it half joined is being removed: that kubeadm succeeds counts no more. */
  readonly revoked?: true;
}

/** How far one machine has come, as it reported. */
export interface MemberProgress {
  readonly generation: number;
  /** When its load balancer ran. */
  readonly balancerAt?: number;
  /** When its last step was done. */
  readonly finishedAt?: number;
  /** When kubeadm had done its work and that was acknowledged. */
  readonly joinedAt?: number;
}

/** A token that has done its work and has to go. */
export interface SpentToken {
  readonly id: string;
  readonly expiresAt: number;
}

/** Add-ons are applied by one control plane at a time, until one has done it. */
export interface AddonsTurn {
  readonly holder?: Holder & { readonly since: number };
  readonly doneAt?: number;
}

export interface ClusterRecord {
  readonly cluster: string;
  readonly revision: number;
  readonly init: InitState;
  readonly joins: readonly JoinTurn[];
  readonly members: Readonly<Record<string, MemberProgress>>;
  readonly addons: AddonsTurn;
  /** Former holders of the init turn that a person declared gone: told to leave, should they come back. */
  readonly banished: readonly (Holder & { readonly at: number })[];
  readonly spentTokens: readonly SpentToken[];
  /** When the endpoint's address was found to be free, or its holder to be a member. */
  readonly endpointCheckedAt?: number;
  /** Why nobody gets a turn until a person has looked. */
  readonly frozen?: { readonly reason: string; readonly at: number };
}

/** The record of a cluster that nothing happened to yet. */
export function newClusterRecord(cluster: string): ClusterRecord {
  return {
    cluster,
    revision: 0,
    init: { phase: "none" },
    joins: [],
    members: {},
    addons: {},
    banished: [],
    spentTokens: [],
  };
}

/** Whether two holders are the same machine in the same generation. */
export function sameHolder(one: Holder, other: Holder): boolean {
  return one.machine === other.machine && one.generation === other.generation;
}

/** The join turn of a machine in this generation. */
export function joinTurnOf(record: ClusterRecord, holder: Holder): JoinTurn | undefined {
  return record.joins.find((turn) => sameHolder(turn, holder));
}

/** What a machine reported in this generation. */
export function progressOf(record: ClusterRecord, holder: Holder): MemberProgress | undefined {
  const progress = record.members[holder.machine];
  return progress?.generation === holder.generation ? progress : undefined;
}

/** Whether a machine is a full member in this generation. */
export function hasJoined(record: ClusterRecord, holder: Holder): boolean {
  return progressOf(record, holder)?.joinedAt !== undefined;
}

/** Whether a person declared this generation of the machine gone. */
export function isBanished(record: ClusterRecord, holder: Holder): boolean {
  return record.banished.some((gone) => sameHolder(gone, holder));
}

/** The init turn begins. */
export function withInitTurn(
  record: ClusterRecord,
  { machine, generation }: Holder,
  now: number,
): ClusterRecord {
  return { ...record, init: { phase: "initialising", machine, generation, since: now } };
}

/** The holder of the init turn reported that kubeadm failed. */
export function withInitFailure(record: ClusterRecord): ClusterRecord {
  const { init } = record;
  if (init.phase !== "initialising") return record;
  return { ...record, init: { ...init, failures: (init.failures ?? 0) + 1 } };
}

/** The init turn is free again: its holder is clean, was installed anew, or was declared gone. */
export function withoutInitTurn(record: ClusterRecord): ClusterRecord {
  return record.init.phase === "initialising" ? { ...record, init: { phase: "none" } } : record;
}

/** The cluster lives, and its first machine is in. */
export function withInitialised(
  record: ClusterRecord,
  by: Holder,
  facts: { readonly at: number; readonly etcdClusterId?: string | undefined },
): ClusterRecord {
  const { machine, generation } = by;
  const known = facts.etcdClusterId === undefined ? {} : { etcdClusterId: facts.etcdClusterId };
  const init: InitState = { phase: "initialised", machine, generation, at: facts.at, ...known };
  return withJoined({ ...record, init }, by, facts.at);
}

/** The cluster was found alive; who made it is only believed. */
export function withAdopted(
  record: ClusterRecord,
  by: Holder,
  facts: { readonly at: number; readonly etcdClusterId?: string | undefined },
): ClusterRecord {
  return { ...withInitialised(record, by, facts), members: record.members };
}

/** The cluster's etcd was asked for the first time. */
export function withEtcdClusterId(record: ClusterRecord, etcdClusterId: string): ClusterRecord {
  const { init } = record;
  if (init.phase !== "initialised" || init.etcdClusterId !== undefined) return record;
  return { ...record, init: { ...init, etcdClusterId } };
}

/** A join turn begins, or its holder gets another token. */
export function withJoinTurn(record: ClusterRecord, turn: JoinTurn): ClusterRecord {
  return { ...record, joins: [...record.joins.filter(({ machine }) => machine !== turn.machine), turn] };
}

/** A machine's join turn has run out: what it half joined goes before the turn ends. */
export function withRevokedJoinTurn(record: ClusterRecord, machine: string): ClusterRecord {
  const turn = record.joins.find((each) => each.machine === machine);
  return turn ? withJoinTurn(record, { ...turn, revoked: true }) : record;
}

/** A machine's join turn ends; its token is spent. */
export function withoutJoinTurn(record: ClusterRecord, machine: string): ClusterRecord {
  const ended = record.joins.find((turn) => turn.machine === machine);
  if (!ended) return record;
  const rest = { ...record, joins: record.joins.filter((turn) => turn !== ended) };
  return ended.tokenId === undefined
    ? rest
    : withSpentToken(rest, { id: ended.tokenId, expiresAt: ended.deadline });
}

/** A token has to be deleted. */
export function withSpentToken(record: ClusterRecord, token: SpentToken): ClusterRecord {
  return { ...record, spentTokens: [...record.spentTokens.filter(({ id }) => id !== token.id), token] };
}

/** A machine is a full member: its turn, if any, has ended. */
export function withJoined(record: ClusterRecord, holder: Holder, now: number): ClusterRecord {
  const before = progressOf(record, holder) ?? { generation: holder.generation };
  const joinedAt = before.joinedAt ?? now;
  return withoutJoinTurn(withProgress(record, holder.machine, { ...before, joinedAt }), holder.machine);
}

/** A machine's progress, replaced. */
export function withProgress(
  record: ClusterRecord,
  machine: string,
  progress: MemberProgress,
): ClusterRecord {
  return { ...record, members: { ...record.members, [machine]: progress } };
}

/** A machine is no member any more: it was removed, or reset itself. */
export function withoutMember(record: ClusterRecord, machine: string): ClusterRecord {
  const members = Object.fromEntries(Object.entries(record.members).filter(([name]) => name !== machine));
  const addons = record.addons.holder?.machine === machine ? withoutHolder(record.addons) : record.addons;
  return withoutJoinTurn({ ...record, members, addons }, machine);
}

/** Nobody gets a turn any more until a person has looked. */
export function withFreeze(record: ClusterRecord, reason: string, now: number): ClusterRecord {
  return record.frozen ? record : { ...record, frozen: { reason, at: now } };
}

/** A person declared the holder of the init turn gone: it is free, and that generation never gets another. */
export function withBanished(record: ClusterRecord, holder: Holder, now: number): ClusterRecord {
  const { machine, generation } = holder;
  const banished = [
    ...record.banished.filter((gone) => !sameHolder(gone, holder)),
    { machine, generation, at: now },
  ];
  return withoutInitTurn(withoutMember({ ...record, banished }, machine));
}

function withoutHolder({ doneAt }: AddonsTurn): AddonsTurn {
  return doneAt === undefined ? {} : { doneAt };
}
