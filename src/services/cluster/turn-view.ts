/** Who holds which turn of a cluster, since when, and why the others wait: what a person is shown. */
import type { ClusterRecord } from "../../domain/cluster/cluster-record.ts";
import type { ClusterView } from "../../domain/cluster/members.ts";
import type { MachineLookup } from "../ports.ts";
import type { LastAnswer } from "./turn-reply.ts";

export interface TurnView {
  readonly cluster: string;
  readonly phase: ClusterRecord["init"]["phase"];
  /** Who initialises, or did. */
  readonly initialiser?: string;
  /** When its turn began, or when it was done. Epoch milliseconds. */
  readonly since?: number;
  readonly etcdClusterId?: string;
  readonly frozen?: string;
  /** Who applies the add-ons now, or that it is done. */
  readonly addons: string;
  readonly machines: readonly MachineTurn[];
}

export interface MachineTurn {
  readonly machine: string;
  readonly roles: readonly string[];
  readonly state: string;
  readonly turn: "init" | "join" | "member" | "none";
  readonly since?: number;
  readonly deadline?: number;
  /** What it was told last, and when. */
  readonly told?: string;
  readonly toldAt?: number;
}

/** Puts the view together. `lastAnswer` is what a machine was told since the appliance started. */
export function turnView(
  cluster: ClusterView,
  record: ClusterRecord,
  facts: {
    readonly machines: Pick<MachineLookup, "byName">;
    readonly lastAnswer: (machine: string) => LastAnswer | undefined;
  },
): TurnView {
  const { init } = record;
  const begun = init.phase === "none" ? {} : { initialiser: init.machine };
  const since = init.phase === "none" ? {} : { since: init.phase === "initialised" ? init.at : init.since };
  return {
    cluster: cluster.name,
    phase: init.phase,
    ...begun,
    ...since,
    ...(init.phase === "initialised" && init.etcdClusterId !== undefined
      ? { etcdClusterId: init.etcdClusterId }
      : {}),
    ...(record.frozen ? { frozen: record.frozen.reason } : {}),
    addons: addonsOf(record),
    machines: cluster.members.map(({ name, roles }) => {
      const answer = facts.lastAnswer(name);
      return {
        machine: name,
        roles,
        state: facts.machines.byName(name)?.state ?? "unknown",
        ...turnOf(record, name),
        ...(answer ? { told: `${answer.action}: ${answer.reason}`, toldAt: answer.at } : {}),
      };
    }),
  };
}

function turnOf(
  { init, joins, members }: ClusterRecord,
  name: string,
): Pick<MachineTurn, "turn" | "since" | "deadline"> {
  const joinedAt = members[name]?.joinedAt;
  if (joinedAt !== undefined) return { turn: "member", since: joinedAt };
  if (init.phase === "initialising" && init.machine === name) return { turn: "init", since: init.since };
  const join = joins.find(({ machine }) => machine === name);
  return join ? { turn: "join", since: join.since, deadline: join.deadline } : { turn: "none" };
}

function addonsOf({ addons: { doneAt, holder } }: ClusterRecord): string {
  if (doneAt !== undefined) return "applied";
  return holder ? `${holder.machine} applies them` : "not applied yet";
}
