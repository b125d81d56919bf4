/**
 * The allowed moves of a machine, as data. Rules of one event are tried from top to bottom; the first that fits the
 * state and its `when` decides, and its `guard` may still refuse with a reason.
 */
import {
  attempt,
  type EventOf,
  FRESH_INSTALL,
  failedWhileInstalling,
  failure,
  fellSilentInstalling,
  finish,
  type MachinePatch,
  mayInstall,
  nextGeneration,
  renewedDeadline,
  reportedFailure,
  running,
  SETTLED,
  stage,
  unlessBehind,
  unlessDue,
  unlessFinished,
  unlessHeld,
  unlessOtherGeneration,
} from "./lifecycle-effects.ts";
import {
  type LifecycleEvent,
  type LifecycleEventType,
  LOADING_STAGE,
  type TransitionContext,
} from "./lifecycle-events.ts";
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

interface TypedRule<T extends LifecycleEventType> {
  readonly from: readonly LifecycleState[];
  readonly event: T;
  readonly to: LifecycleRule["to"];
  readonly note?: string;
  readonly when?: (machine: Machine, event: EventOf<T>, context: TransitionContext) => boolean;
  readonly guard?: (machine: Machine, event: EventOf<T>, context: TransitionContext) => string | undefined;
  readonly then?: (machine: Machine, event: EventOf<T>, context: TransitionContext) => MachinePatch;
}

// transition() only calls a rule with events of the rule's own type.
function rule<T extends LifecycleEventType>(typed: TypedRule<T>): LifecycleRule {
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
const WATCHED_STATES = ["installing", "preparing", "joining"] as const;
const NOT_RETIRED = LIFECYCLE_STATES.filter((state) => state !== "retired");

export const LIFECYCLE_TABLE: readonly LifecycleRule[] = [
  rule({ from: ["discovered"], event: "approved", to: "registered" }),

  rule({
    from: ["registered"],
    event: "installer-booted",
    to: "installing",
    guard: unlessHeld,
    then: (machine, event, context) => ({
      ...FRESH_INSTALL,
      ...attempt({ ...machine, installAttempts: 0 }, event, context),
      generation: Math.max(1, machine.generation),
    }),
  }),
  rule({
    from: ["installing"],
    event: "installer-booted",
    to: "same",
    note: "the boot script is fetched again before anything ran: the same attempt",
    when: (machine) => !machine.installFinished && machine.stage === LOADING_STAGE,
    guard: unlessHeld,
  }),
  rule({
    from: ["installing"],
    event: "installer-booted",
    to: "same",
    note: "another attempt",
    when: (machine, _event, { limits }) =>
      !machine.installFinished && machine.installAttempts < limits.installAttempts,
    guard: unlessHeld,
    then: attempt,
  }),
  rule({
    from: ["installing"],
    event: "installer-booted",
    to: "failed",
    note: "every attempt is used up",
    guard: (machine) => unlessHeld(machine) ?? unlessFinished(machine),
    then: (machine, _event, context) => ({
      ...failure(machine, context, {
        cause: "attempts",
        reason: `gave up after ${machine.installAttempts} installer boots, none of which reported its end`,
      }),
    }),
  }),

  rule({
    from: ["installing"],
    event: "stage-reported",
    to: "same",
    guard: (machine, event) => unlessFinished(machine) ?? unlessBehind(machine, event.stage),
    then: stage,
  }),
  rule({
    from: ["failed"],
    event: "stage-reported",
    to: "installing",
    note: "it was only slow",
    when: fellSilentInstalling,
    guard: (machine, event) => unlessBehind(machine, event.stage),
    then: stage,
  }),

  rule({
    from: ["installing"],
    event: "install-finished",
    to: "same",
    note: "the same report again: the acknowledgement was lost",
    when: (machine) => machine.installFinished,
  }),
  rule({
    from: ["installing"],
    event: "install-finished",
    to: "same",
    note: "from now on the disk boots",
    then: finish,
  }),
  rule({
    from: ["failed"],
    event: "install-finished",
    to: "installing",
    note: "it was only slow",
    when: fellSilentInstalling,
    then: finish,
  }),

  rule({
    from: ["installing"],
    event: "install-failed",
    to: "failed",
    guard: unlessFinished,
    then: reportedFailure,
  }),
  rule({
    from: ["failed"],
    event: "install-failed",
    to: "same",
    note: "the same report again, or the reason for a silence",
    when: failedWhileInstalling,
    then: (machine, event, context) =>
      machine.failure?.cause === "silence" ? reportedFailure(machine, event, context) : {},
  }),

  rule({
    from: ["registered", "installing"],
    event: "node-reported",
    to: "installed",
    guard: unlessOtherGeneration,
    then: running,
  }),
  rule({
    from: ["failed"],
    event: "node-reported",
    to: "installed",
    note: "it failed before it was installed, and runs all the same",
    when: (machine) => machine.failure?.from === "installing",
    guard: unlessOtherGeneration,
    then: running,
  }),
  rule({
    from: ["failed"],
    event: "node-reported",
    to: "where-it-failed",
    guard: unlessOtherGeneration,
    then: running,
  }),
  rule({
    from: [...RUNNING_STATES, "draining", "removing"],
    event: "node-reported",
    to: "same",
    guard: unlessOtherGeneration,
    then: (machine, event) => ({ generation: Math.max(machine.generation, event.generation) }),
  }),
  rule({
    from: [...RUNNING_STATES, "installing"],
    event: "node-failed",
    to: "failed",
    guard: unlessOtherGeneration,
    then: reportedFailure,
  }),

  rule({
    from: WATCHED_STATES,
    event: "silence",
    to: "failed",
    guard: unlessDue,
    then: (machine, _event, context) =>
      failure(machine, context, {
        cause: "silence",
        reason: `nothing was heard since ${machine.stage ?? machine.state}`,
      }),
  }),

  rule({
    from: ["failed"],
    event: "retry-requested",
    to: "registered",
    guard: (machine) =>
      failedWhileInstalling(machine)
        ? undefined
        : "its installation had finished, so its disk may hold a working system; reimage it instead",
    then: () => FRESH_INSTALL,
  }),
  rule({
    from: [...RUNNING_STATES, "failed"],
    event: "reimage-requested",
    to: "registered",
    guard: (machine) =>
      unlessHeld(machine) ??
      (failedWhileInstalling(machine) ? "nothing of this installation ran yet; retry it instead" : undefined),
    then: nextGeneration,
  }),
  rule({
    from: ["installing"],
    event: "reimage-requested",
    to: "registered",
    note: "its first boot never came; a person confirms",
    when: (machine) => machine.installFinished,
    guard: (machine, event) =>
      unlessHeld(machine) ??
      (event.confirmed
        ? undefined
        : "its installation has finished and its first boot is awaited; confirm to go on"),
    then: nextGeneration,
  }),
  rule({
    from: ["draining", "removing"],
    event: "reimage-requested",
    to: "registered",
    note: "the end of a reimage out of a cluster",
    guard: unlessHeld,
    then: nextGeneration,
  }),

  rule({
    from: NOT_RETIRED,
    event: "retired",
    to: "retired",
    then: () => ({ ...SETTLED, bootOverride: undefined, held: undefined }),
  }),
  rule({ from: ["retired"], event: "retired", to: "same" }),
  rule({
    from: ["retired"],
    event: "registered-again",
    to: "registered",
    note: "a person registers it once more",
    then: (machine) =>
      machine.generation > 0 || machine.everInstalled ? nextGeneration(machine) : FRESH_INSTALL,
  }),

  rule({ from: NOT_RETIRED, event: "held", to: "same", then: (_machine, event) => ({ held: event.reason }) }),
  rule({
    from: NOT_RETIRED,
    event: "confirmed",
    to: "same",
    then: (machine, _event, context) => ({ held: undefined, deadline: renewedDeadline(machine, context) }),
  }),

  rule({
    from: NOT_RETIRED,
    event: "boot-override-set",
    to: "same",
    guard: (machine, event) =>
      event.override !== "install" || mayInstall(machine)
        ? undefined
        : `a machine in state ${machine.state} is not sent to an installer by an override; reimage it instead`,
    then: (_machine, event) => ({ bootOverride: event.override }),
  }),
  rule({
    from: LIFECYCLE_STATES,
    event: "boot-override-cleared",
    to: "same",
    then: () => ({ bootOverride: undefined }),
  }),
  rule({
    from: LIFECYCLE_STATES,
    event: "boot-override-used",
    to: "same",
    then: () => ({ bootOverride: undefined }),
  }),
];
