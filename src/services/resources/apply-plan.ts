/** What applying documents would do, as a value that people read before they agree. Pure. */
import { decideBoot } from "../../domain/boot-decision.ts";
import { stableAddressOf } from "../../domain/cluster/members.ts";
import { keyOf, type Resource, type ResourceKind } from "../../domain/cluster/resource.ts";
import type { ResolvedMachine } from "../../domain/cluster/resource-set.ts";
import type { Fault } from "../../domain/errors.ts";
import type { TransitionContext } from "../../domain/lifecycle-events.ts";
import type { Machine } from "../../domain/machine.ts";
import { machineAfter } from "../machine-batch.ts";
import { type FieldChange, fieldChanges } from "./field-changes.ts";
import { installWords, wipeWords } from "./install-words.ts";

export interface PlannedResource {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly action: "create" | "change" | "unchanged" | "delete";
  readonly changes: readonly FieldChange[];
}

/** What a machine gets and becomes. */
export interface Prospect {
  /** What its next network boot gets, and why. */
  readonly serves: string;
  /** What the next installation puts on it, and when that is. */
  readonly installs: string;
  /** What the next installation may overwrite. */
  readonly wipes: string;
  /** The cluster it becomes a member of, its roles and address. */
  readonly joins: string;
}

export interface PlannedMachine extends Prospect {
  readonly name: string;
  readonly action: "register" | "change" | "unchanged" | "forget";
  /** Where it stands now; undefined for a new one. */
  readonly state?: Machine["state"];
  readonly changes: readonly FieldChange[];
  /** The same as things are now; undefined for a new machine. */
  readonly now?: Prospect;
  /** What differs in its node payload, for a member that stays one. */
  readonly payload?: readonly string[];
}

export interface ApplyPlan {
  readonly resources: readonly PlannedResource[];
  readonly machines: readonly PlannedMachine[];
  readonly warnings: readonly Fault[];
}

/** Whether applying would change nothing at all. */
export function changesNothing({ resources, machines }: ApplyPlan): boolean {
  return [...resources, ...machines].every(({ action }) => action === "unchanged");
}

/** `Cluster lab: create; Profile rack: change; 5 machines` */
export function appliedWords({ resources, machines }: ApplyPlan): string {
  const documents = resources.filter(({ action }) => action !== "unchanged");
  const touched = machines.filter(({ action }) => action !== "unchanged").length;
  return [
    ...documents.map(({ kind, name, action }) => `${kind} ${name}: ${action}`),
    touched === 1 ? "1 machine" : `${touched} machines`,
  ].join("; ");
}

/** What becomes of the documents. */
export function planResources(
  before: ReadonlyMap<string, Resource>,
  change: { readonly put: readonly Resource[]; readonly remove: readonly Resource[] },
): readonly PlannedResource[] {
  const put = change.put.map(({ kind, name, spec }): PlannedResource => {
    const old = before.get(keyOf({ kind, name }));
    if (!old) return { kind, name, action: "create", changes: [] };
    const changes = fieldChanges(old.spec, spec);
    return { kind, name, action: changes.length === 0 ? "unchanged" : "change", changes };
  });
  const removed = change.remove.map(
    ({ kind, name }): PlannedResource => ({ kind, name, action: "delete", changes: [] }),
  );
  return [...put, ...removed];
}

/** What becomes of one machine that a document describes. */
export function planMachine(
  { name, spec }: Pick<ResolvedMachine, "name" | "spec">,
  before: Machine | undefined,
  { payload, ...context }: TransitionContext & { readonly payload?: readonly string[] | undefined },
): PlannedMachine {
  const after = machineAfter(before, { name, spec }, context);
  const registers = !before || before.state !== after.state;
  return {
    name,
    action: after === before ? "unchanged" : registers ? "register" : "change",
    ...(before ? { state: before.state } : {}),
    changes: before && after !== before ? fieldChanges(before.spec, after.spec) : [],
    ...prospectOf(after, context),
    ...(before ? { now: prospectOf(before, context) } : {}),
    ...(payload ? { payload } : {}),
  };
}

function prospectOf(machine: Machine, { limits }: TransitionContext): Prospect {
  const next = decideBoot({ machine, assets: { kind: "ready" }, limits });
  return {
    serves: `${SERVED[next.kind]}: ${next.reason}`,
    installs: next.kind === "install" ? installWords(machine.spec) : "nothing until it is reimaged",
    wipes: next.kind === "install" ? wipeWords(machine) : "nothing",
    joins: joinWords(machine.spec),
  };
}

/** What becomes of a machine that no document describes any more. */
export function planForgotten(machine: Machine, context: TransitionContext): PlannedMachine {
  return {
    name: machine.name,
    action: "forget",
    state: machine.state,
    changes: [],
    serves: "nothing: nobody knows this machine then",
    installs: "nothing",
    wipes: "nothing",
    joins: "-",
    now: prospectOf(machine, context),
  };
}

const SERVED: Readonly<Record<ReturnType<typeof decideBoot>["kind"], string>> = {
  install: "the installer",
  local: "its own disk",
  wait: "a script that asks again",
  failed: "a script that waits",
  inventory: "the inventory",
  rescue: "the rescue system",
  unknown: "nothing",
};

function joinWords(spec: Machine["spec"]): string {
  const { cluster, roles } = spec;
  if (cluster === undefined) return "-";
  const address = stableAddressOf(spec);
  const where = address === undefined ? "" : ` at ${address}`;
  return `${cluster} as ${roles.join(", ") || "nothing"}${where}`;
}
