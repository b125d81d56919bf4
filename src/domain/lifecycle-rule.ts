/** What one allowed move of a machine is made of. */
import type { EventOf, MachinePatch } from "./lifecycle-effects.ts";
import type { LifecycleEvent, LifecycleEventType, TransitionContext } from "./lifecycle-events.ts";
import { LIFECYCLE_STATES, type LifecycleState, type Machine } from "./machine.ts";

export interface LifecycleRule {
  readonly from: readonly LifecycleState[];
  readonly event: LifecycleEventType;
  readonly to: LifecycleState | "same" | "where-it-failed";
  /** One line for the documentation: in which case this rule is meant. */
  readonly note?: string;
  readonly when?: (machine: Machine, event: LifecycleEvent, context: TransitionContext) => boolean;
  /** Why the move is refused; undefined when it is allowed. */
  readonly guard?: (
    machine: Machine,
    event: LifecycleEvent,
    context: TransitionContext,
  ) => string | undefined;
  readonly then?: (machine: Machine, event: LifecycleEvent, context: TransitionContext) => MachinePatch;
}

export interface TypedRule<T extends LifecycleEventType> {
  readonly from: readonly LifecycleState[];
  readonly event: T;
  readonly to: LifecycleRule["to"];
  readonly note?: string;
  readonly when?: (machine: Machine, event: EventOf<T>, context: TransitionContext) => boolean;
  readonly guard?: (machine: Machine, event: EventOf<T>, context: TransitionContext) => string | undefined;
  readonly then?: (machine: Machine, event: EventOf<T>, context: TransitionContext) => MachinePatch;
}

/** A rule whose functions see its own event only. */
export function rule<T extends LifecycleEventType>(typed: TypedRule<T>): LifecycleRule {
  // transition() only calls a rule with events of the rule's own type.
  return typed as unknown as LifecycleRule;
}

/** States in which the machine's own system runs, or ran before it failed. */
export const RUNNING_STATES = [
  "installed",
  "preparing",
  "waiting",
  "joining",
  "ready",
] as const satisfies readonly LifecycleState[];

/** Every state but the last one. */
export const NOT_RETIRED = LIFECYCLE_STATES.filter((state) => state !== "retired");
