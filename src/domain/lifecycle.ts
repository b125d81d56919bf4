/**
 * What may happen to a machine and what becomes of it: one pure `transition()` over the table of allowed moves in
 * lifecycle-table.ts. docs/lifecycle.md draws the same table.
 */

import type { MachinePatch } from "./lifecycle-effects.ts";
import { describeEvent, type LifecycleEvent, type TransitionContext } from "./lifecycle-events.ts";
import type { LifecycleRule } from "./lifecycle-rule.ts";
import { LIFECYCLE_TABLE } from "./lifecycle-table.ts";
import type { LifecycleState, Machine } from "./machine.ts";

/** `changed: false` is an accepted repetition: the same report twice has one effect. */
export type TransitionOutcome =
  | { readonly ok: true; readonly changed: boolean; readonly machine: Machine }
  | { readonly ok: false; readonly machine: Machine; readonly reason: string };

/**
 * Applies one event to a machine.
 * @returns the next value with its revision raised, the same value when the event repeats what is already true, or a
 * refusal with a reason for a person.
 */
export function transition(
  machine: Machine,
  event: LifecycleEvent,
  context: TransitionContext,
): TransitionOutcome {
  const rule = LIFECYCLE_TABLE.find((candidate) => applies(candidate, machine, event, context));
  if (!rule) {
    return {
      ok: false,
      machine,
      reason: `${describeEvent(event)} is not possible in state ${machine.state}`,
    };
  }
  const reason = rule.guard?.(machine, event, context);
  if (reason !== undefined) return { ok: false, machine, reason };
  const patch = rule.then?.(machine, event, context) ?? {};
  const state = targetOf(rule, machine);
  if (state === machine.state && !changes(machine, patch)) return { ok: true, changed: false, machine };
  return { ok: true, changed: true, machine: revise(machine, { ...patch, state }, context.now) };
}

/** The machine with the patch applied (an undefined value removes the field), its revision raised and its time set. */
export function revise(machine: Machine, patch: MachinePatch, now: number): Machine {
  const merged = { ...machine, ...patch, revision: machine.revision + 1, updatedAt: now };
  return Object.fromEntries(
    Object.entries(merged).filter(([, value]) => value !== undefined),
  ) as unknown as Machine;
}

function applies(
  rule: LifecycleRule,
  machine: Machine,
  event: LifecycleEvent,
  context: TransitionContext,
): boolean {
  if (rule.event !== event.type || !rule.from.includes(machine.state)) return false;
  return rule.when?.(machine, event, context) ?? true;
}

function targetOf(rule: LifecycleRule, machine: Machine): LifecycleState {
  if (rule.to === "same") return machine.state;
  if (rule.to === "where-it-failed") return machine.failure?.from ?? machine.state;
  return rule.to;
}

function changes(machine: Machine, patch: MachinePatch): boolean {
  return Object.entries(patch).some(([key, value]) => machine[key as keyof Machine] !== value);
}
