/** Many machines changed together with the documents that describe them: all of it in one commit, or none. */
import { ConflictError, TransitionError } from "../domain/errors.ts";
import { revise } from "../domain/lifecycle.ts";
import type { TransitionContext } from "../domain/lifecycle-events.ts";
import { type Machine, macsOf } from "../domain/machine.ts";
import type { MachineSpec } from "../domain/machine-spec.ts";
import { newMachine, requireTransition } from "./machine-changes.ts";
import type { MachineDraft } from "./machine-draft.ts";
import type { MachineView } from "./machine-index.ts";
import type { Source } from "./registry.ts";
import type { ResourceChange } from "./store.ts";

export interface MachineBatch {
  /** Machines as they are to be; registered when absent, left alone when they are so already. */
  readonly machines: readonly { readonly name: string; readonly spec: MachineSpec }[];
  /** Machines that no document describes any more. */
  readonly forget: readonly string[];
  readonly documents: readonly ResourceChange[];
}

/** A machine before and after the batch; `after` is undefined for one that was forgotten. */
export interface BatchEntry {
  readonly before: Machine | undefined;
  readonly after: Machine | undefined;
}

/** Registries that change many machines at once. */
export interface MachineBatches {
  /**
   * @returns what changed.
   * @throws ConflictError when a MAC or address belongs to a machine outside the batch, TransitionError when a machine to
   * be forgotten is in use; nothing is changed then.
   */
  applyBatch(batch: MachineBatch, source: Source): Promise<readonly BatchEntry[]>;
}

/** Decides the whole batch first and stages it then. */
export function stageBatch(
  draft: MachineDraft,
  batch: MachineBatch,
  context: TransitionContext,
): readonly BatchEntry[] {
  const entries = [
    ...batch.forget.map((name) => ({ before: forgettable(draft, name), after: undefined })),
    ...batch.machines.map(({ name, spec }) => {
      const before = draft.byName(name);
      return { before, after: machineAfter(before, { name, spec }, context) };
    }),
  ].filter(({ before, after }) => before !== after);
  const names = new Set([...batch.forget, ...batch.machines.map(({ name }) => name)]);
  const displaced = batch.machines.flatMap(({ spec }) => displacedBy(draft, spec, names));
  for (const { before } of entries.filter(({ after }) => after === undefined))
    if (before) draft.remove(before.name);
  for (const other of new Set(displaced)) draft.remove(other.name);
  for (const { after } of entries) if (after) draft.put(after);
  draft.stage(batch.documents);
  return entries;
}

/** Why a machine cannot be forgotten now; undefined when it can. */
export function inUse(machine: Machine): string | undefined {
  const { name, state, everInstalled } = machine;
  if (state === "retired" || state === "discovered" || (state === "registered" && !everInstalled))
    return undefined;
  return `machine ${name} is ${state}; retire it first with \`muster retire ${name}\``;
}

/**
 * A machine as a document wants it. A retired one stays so as long as its boot MAC is the same: it was retired on
 * purpose, and only another machine under its name is news.
 */
export function machineAfter(
  before: Machine | undefined,
  { name, spec }: { readonly name: string; readonly spec: MachineSpec },
  context: TransitionContext,
): Machine {
  if (!before) return newMachine({ name, spec, state: "registered", now: context.now });
  if (before.state === "retired" && before.spec.mac === spec.mac) return before;
  if (before.state === "retired")
    return { ...requireTransition(before, { type: "registered-again" }, context), spec };
  if (before.state === "discovered")
    return { ...requireTransition(before, { type: "approved" }, context), spec };
  if (sameSpec(before.spec, spec)) return before;
  return revise(before, { spec }, context.now);
}

/** Whether two specs say the same; both were parsed by one schema, so their keys are in one order. */
function sameSpec(a: MachineSpec, b: MachineSpec): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function forgettable(draft: MachineDraft, name: string): Machine | undefined {
  const machine = draft.byName(name);
  const reason = machine && inUse(machine);
  if (reason !== undefined) throw new TransitionError(reason);
  return machine;
}

function displacedBy(view: MachineView, spec: MachineSpec, batch: ReadonlySet<string>): readonly Machine[] {
  const owners = [
    ...macsOf(spec).map((mac) => ({ what: `the MAC ${mac}`, owner: view.byMac(mac) })),
    ...(spec.address === undefined
      ? []
      : [{ what: `the address ${spec.address}`, owner: view.byAddress(spec.address) }]),
  ];
  return owners.flatMap(({ what, owner }) => {
    if (!owner || batch.has(owner.name)) return [];
    if (owner.state !== "discovered" && owner.state !== "retired")
      throw new ConflictError(`${what} belongs to machine ${owner.name}`);
    return [owner];
  });
}
