/** What persons may ask of a machine, whatever it is doing. */
import {
  FRESH_INSTALL,
  failedWhileInstalling,
  mayInstall,
  nextGeneration,
  renewedDeadline,
  SETTLED,
  unlessHeld,
} from "./lifecycle-effects.ts";
import { type LifecycleRule, NOT_RETIRED, RUNNING_STATES, rule } from "./lifecycle-rule.ts";
import { LIFECYCLE_STATES } from "./machine.ts";

export const PERSON_RULES: readonly LifecycleRule[] = [
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
