/** The moves of an installed machine into its cluster, and out of it again to be reimaged. */
import {
  failedWhileInstalling,
  failure,
  type MachinePatch,
  patienceWith,
  SETTLED,
  unlessHeld,
  unlessOtherGeneration,
} from "./lifecycle-effects.ts";
import type { TransitionContext } from "./lifecycle-events.ts";
import { type LifecycleRule, RUNNING_STATES, rule } from "./lifecycle-rule.ts";
import type { LifecycleState, Machine } from "./machine.ts";

const ON_THE_WAY = ["installed", "preparing", "waiting", "joining"] as const;

/** Its own system failed, and had not got further than that. */
function failedOnTheWay(machine: Machine): boolean {
  return ON_THE_WAY.some((state) => state === machine.failure?.from);
}

function ranBefore(machine: Machine): boolean {
  return RUNNING_STATES.some((state) => state === machine.failure?.from);
}

/** It was heard: nothing is wrong any more, and it has new time in the state it moves to. */
function heard(state: LifecycleState) {
  return (machine: Machine, _event: unknown, context: TransitionContext): MachinePatch => ({
    ...SETTLED,
    stage: machine.stage,
    deadline: context.now + (patienceWith(state, context) ?? 0),
  });
}

/** It is at a step: the step, and new time. */
function atStep(
  machine: Machine,
  event: { readonly step: string },
  context: TransitionContext,
): MachinePatch {
  const state = machine.failure?.from ?? machine.state;
  const patience = patienceWith(state === "installed" ? "preparing" : state, context);
  return {
    failure: undefined,
    stage: event.step,
    deadline: patience === undefined ? undefined : context.now + patience,
  };
}

/** Asked every few seconds: the deadline is only moved when half of it has gone. */
function hasTimeLeft(machine: Machine, context: TransitionContext): boolean {
  const patience = patienceWith(machine.state, context) ?? 0;
  return machine.deadline !== undefined && machine.deadline - context.now > patience / 2;
}

export const CLUSTER_RULES: readonly LifecycleRule[] = [
  rule({
    from: ["installed", "preparing"],
    event: "payload-taken",
    to: "preparing",
    guard: unlessOtherGeneration,
    then: heard("preparing"),
  }),
  rule({
    from: ["failed"],
    event: "payload-taken",
    to: "preparing",
    note: "it begins again",
    when: failedOnTheWay,
    guard: unlessOtherGeneration,
    then: heard("preparing"),
  }),
  rule({
    from: ["waiting", "joining", "ready"],
    event: "payload-taken",
    to: "same",
    note: "it looks for what has changed",
    guard: unlessOtherGeneration,
  }),

  rule({
    from: ["installed"],
    event: "step-reported",
    to: "preparing",
    guard: unlessOtherGeneration,
    then: atStep,
  }),
  rule({
    from: ["preparing", "waiting", "joining"],
    event: "step-reported",
    to: "same",
    guard: unlessOtherGeneration,
    then: atStep,
  }),
  rule({
    from: ["failed"],
    event: "step-reported",
    to: "where-it-failed",
    note: "it tries once more",
    when: failedOnTheWay,
    guard: unlessOtherGeneration,
    then: atStep,
  }),
  rule({
    from: ["ready", "failed", "draining", "removing"],
    event: "step-reported",
    to: "same",
    guard: unlessOtherGeneration,
  }),

  rule({
    from: ["waiting"],
    event: "turn-asked",
    to: "same",
    note: "again, and there is time left",
    when: (machine, _event, context) => hasTimeLeft(machine, context),
    guard: unlessOtherGeneration,
  }),
  rule({
    from: ON_THE_WAY,
    event: "turn-asked",
    to: "waiting",
    guard: unlessOtherGeneration,
    then: heard("waiting"),
  }),
  rule({
    from: ["failed"],
    event: "turn-asked",
    to: "waiting",
    note: "it tries once more",
    when: failedOnTheWay,
    guard: unlessOtherGeneration,
    then: heard("waiting"),
  }),
  rule({
    from: ["ready"],
    event: "turn-asked",
    to: "same",
    guard: unlessOtherGeneration,
  }),

  rule({
    from: ON_THE_WAY,
    event: "turn-granted",
    to: "joining",
    guard: (machine, event) => unlessHeld(machine) ?? unlessOtherGeneration(machine, event),
    then: heard("joining"),
  }),
  rule({
    from: ["failed"],
    event: "turn-granted",
    to: "joining",
    note: "it tries once more",
    when: failedOnTheWay,
    guard: (machine, event) => unlessHeld(machine) ?? unlessOtherGeneration(machine, event),
    then: heard("joining"),
  }),
  rule({
    from: ["joining"],
    event: "turn-ended",
    to: "waiting",
    note: "it did not use its turn in time, or has to reset itself first",
    then: heard("waiting"),
  }),

  rule({ from: [...ON_THE_WAY, "ready"], event: "node-ready", to: "ready", then: () => SETTLED }),
  rule({
    from: ["failed"],
    event: "node-ready",
    to: "ready",
    note: "whatever was believed before",
    when: ranBefore,
    then: () => SETTLED,
  }),
  rule({
    from: ["draining", "removing"],
    event: "node-ready",
    to: "same",
    note: "it was asked for while it leaves",
  }),
  rule({
    from: ["ready"],
    event: "node-lost",
    to: "failed",
    then: (machine, event, context) => failure(machine, context, { cause: "silence", reason: event.reason }),
  }),

  rule({
    from: RUNNING_STATES,
    event: "drain-started",
    to: "draining",
    guard: unlessHeld,
    then: () => SETTLED,
  }),
  rule({
    from: ["failed"],
    event: "drain-started",
    to: "draining",
    when: (machine) => !failedWhileInstalling(machine),
    guard: unlessHeld,
    then: () => SETTLED,
  }),
  rule({ from: ["draining"], event: "drain-started", to: "same", note: "the appliance was restarted" }),
  rule({ from: ["draining"], event: "removal-started", to: "removing" }),
  rule({ from: ["removing"], event: "removal-started", to: "same" }),
  rule({
    from: ["draining", "removing"],
    event: "removal-given-up",
    to: "ready",
    note: "whoever looks at its Node says how it is",
  }),
];
