/** The moves from approval to the running system: what installers report and what the installed system says first. */
import {
  attempt,
  FRESH_INSTALL,
  failedWhileInstalling,
  failure,
  fellSilentInstalling,
  finish,
  reportedFailure,
  running,
  stage,
  unlessBehind,
  unlessDue,
  unlessFinished,
  unlessHeld,
  unlessOtherGeneration,
} from "./lifecycle-effects.ts";
import { LOADING_STAGE } from "./lifecycle-events.ts";
import { type LifecycleRule, RUNNING_STATES, rule } from "./lifecycle-rule.ts";

const WATCHED_STATES = ["installing", "preparing", "waiting", "joining"] as const;

export const INSTALL_RULES: readonly LifecycleRule[] = [
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
];
