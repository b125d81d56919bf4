/** What the moves of lifecycle-table.ts change in a machine, and why some of them are refused. */
import {
  FIRST_BOOT_STAGE,
  type LifecycleEvent,
  type LifecycleEventType,
  LOADING_STAGE,
  type TransitionContext,
} from "./lifecycle-events.ts";
import { type Failure, INSTALL_STAGES, type Machine } from "./machine.ts";

/** New values of fields; undefined removes a field. */
export type MachinePatch = { readonly [K in keyof Machine]?: Machine[K] | undefined };

export type EventOf<T extends LifecycleEventType> = Extract<LifecycleEvent, { type: T }>;

/** Whether this generation's system never came to be: the installer failed before its last report. */
export function failedWhileInstalling(machine: Machine): boolean {
  return machine.state === "failed" && machine.failure?.from === "installing" && !machine.installFinished;
}

export const SETTLED = { stage: undefined, deadline: undefined, failure: undefined } satisfies MachinePatch;
export const FRESH_INSTALL = {
  ...SETTLED,
  bootOverride: undefined,
  installAttempts: 0,
  installFinished: false,
} satisfies MachinePatch;

export function attempt(machine: Machine, _event: unknown, context: TransitionContext): MachinePatch {
  return {
    installAttempts: machine.installAttempts + 1,
    stage: LOADING_STAGE,
    deadline: context.now + context.limits.installTimeout,
  };
}

export function stage(
  _machine: Machine,
  event: EventOf<"stage-reported">,
  context: TransitionContext,
): MachinePatch {
  return { stage: event.stage, failure: undefined, deadline: context.now + context.limits.installTimeout };
}

export function finish(
  _machine: Machine,
  event: EventOf<"install-finished">,
  context: TransitionContext,
): MachinePatch {
  return {
    stage: FIRST_BOOT_STAGE,
    failure: undefined,
    installFinished: true,
    everInstalled: true,
    systemDisks: event.disks,
    diskMarker: event.marker,
    deadline: context.now + context.limits.firstBootTimeout,
  };
}

export function running(machine: Machine, event: EventOf<"node-reported">): MachinePatch {
  return {
    ...SETTLED,
    generation: Math.max(machine.generation, event.generation),
    installFinished: true,
    everInstalled: true,
  };
}

export function nextGeneration(machine: Machine): MachinePatch {
  return { ...FRESH_INSTALL, generation: machine.generation + 1 };
}

export function failure(
  machine: Machine,
  context: TransitionContext,
  what: Pick<Failure, "cause" | "reason"> & { readonly stage?: string | undefined },
): MachinePatch {
  const at = what.stage ?? machine.stage;
  const from = machine.failure?.from ?? machine.state;
  const failed: Failure = { reason: what.reason, cause: what.cause, from, at: context.now };
  return { deadline: undefined, failure: at === undefined ? failed : { ...failed, stage: at } };
}

export function reportedFailure(
  machine: Machine,
  event: EventOf<"install-failed" | "node-failed">,
  context: TransitionContext,
): MachinePatch {
  const at = event.type === "install-failed" ? event.stage : undefined;
  return failure(machine, context, { cause: "reported", reason: event.reason, stage: at });
}

// A hold may outlast the deadline that ran before it; the wait starts anew.
export function renewedDeadline(machine: Machine, context: TransitionContext): number | undefined {
  if (machine.held === undefined || machine.deadline === undefined) return machine.deadline;
  const { installTimeout, firstBootTimeout } = context.limits;
  return context.now + (machine.installFinished ? firstBootTimeout : installTimeout);
}

export function mayInstall(machine: Machine): boolean {
  return machine.state === "registered" || (machine.state === "installing" && !machine.installFinished);
}

export function fellSilentInstalling(machine: Machine): boolean {
  return failedWhileInstalling(machine) && machine.failure?.cause === "silence";
}

export function unlessHeld(machine: Machine): string | undefined {
  return machine.held === undefined ? undefined : `it is held: ${machine.held}; confirm it first`;
}

export function unlessFinished(machine: Machine): string | undefined {
  return machine.installFinished ? "this installation has already reported its end" : undefined;
}

export function unlessBehind(machine: Machine, reported: string): string | undefined {
  const order: readonly string[] = INSTALL_STAGES;
  if (order.indexOf(reported) >= order.indexOf(machine.stage ?? "")) return undefined;
  return `stage ${reported} comes before stage ${machine.stage ?? ""}, which was already reported`;
}

// The deadline is compared, not the time: the clock may have been set, and a report may have renewed it meanwhile.
export function unlessDue(machine: Machine, event: EventOf<"silence">): string | undefined {
  if (machine.held !== undefined) return "a held machine is not expected to report";
  return machine.deadline === event.deadline ? undefined : "it was heard meanwhile";
}

// After a restore the machine may be ahead of the registry: its certificate proves the later generation.
export function unlessOtherGeneration(
  machine: Machine,
  event: EventOf<"node-reported" | "node-failed">,
): string | undefined {
  if (event.generation === machine.generation) return undefined;
  if (machine.held !== undefined && event.generation > machine.generation) return undefined;
  return `it comes from generation ${event.generation}; the machine is in generation ${machine.generation}`;
}
