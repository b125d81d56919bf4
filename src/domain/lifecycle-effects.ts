/** What the moves of lifecycle-table.ts change in a machine, and why some of them are refused. */
import {
  FIRST_BOOT_STAGE,
  type LifecycleEvent,
  type LifecycleEventType,
  LOADING_STAGE,
  type TransitionContext,
} from "./lifecycle-events.ts";
import { type Failure, INSTALL_STAGES, type LifecycleState, type Machine } from "./machine.ts";

/** New values of fields; undefined removes a field. */
export type MachinePatch = { readonly [K in keyof Machine]?: Machine[K] | undefined };

/** The lifecycle event of one type. */
export type EventOf<T extends LifecycleEventType> = Extract<LifecycleEvent, { type: T }>;

/** Whether this generation's system never came to be: the installer failed before its last report. */
export function failedWhileInstalling(machine: Machine): boolean {
  return machine.state === "failed" && machine.failure?.from === "installing" && !machine.installFinished;
}

/** Nothing is expected of the machine any more. */
export const SETTLED = { stage: undefined, deadline: undefined, failure: undefined } satisfies MachinePatch;
/** An installation that has not begun. */
export const FRESH_INSTALL = {
  ...SETTLED,
  bootOverride: undefined,
  installAttempts: 0,
  installFinished: false,
} satisfies MachinePatch;

/** One more installer is handed out: counted, and given time to be heard. */
export function attempt(machine: Machine, _event: unknown, context: TransitionContext): MachinePatch {
  return {
    installAttempts: machine.installAttempts + 1,
    stage: LOADING_STAGE,
    deadline: context.now + context.limits.installTimeout,
  };
}

/** The installer was heard: its stage, and new time. */
export function stage(
  _machine: Machine,
  event: EventOf<"stage-reported">,
  context: TransitionContext,
): MachinePatch {
  return { stage: event.stage, failure: undefined, deadline: context.now + context.limits.installTimeout };
}

/** The installer reported its end: from now on the disk boots, and its system has time to report. */
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

/** The installed system was heard; a later generation than recorded is believed (after a restore). */
export function running(machine: Machine, event: EventOf<"node-reported">): MachinePatch {
  return {
    ...SETTLED,
    generation: Math.max(machine.generation, event.generation),
    installFinished: true,
    everInstalled: true,
  };
}

/** A new installation begins; what identifies the disks stays. */
export function nextGeneration(machine: Machine): MachinePatch {
  return { ...FRESH_INSTALL, generation: machine.generation + 1 };
}

/** The machine failed now; a failure that came before keeps where it came from. */
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

/** The machine itself said that it failed. */
export function reportedFailure(
  machine: Machine,
  event: EventOf<"install-failed" | "node-failed">,
  context: TransitionContext,
): MachinePatch {
  const at = event.type === "install-failed" ? event.stage : undefined;
  return failure(machine, context, { cause: "reported", reason: event.reason, stage: at });
}

/** The deadline after a hold, which may have outlasted the one that ran before it: the wait starts anew. */
export function renewedDeadline(machine: Machine, context: TransitionContext): number | undefined {
  if (machine.held === undefined || machine.deadline === undefined) return machine.deadline;
  const { installTimeout, firstBootTimeout } = context.limits;
  const installing = machine.installFinished ? firstBootTimeout : installTimeout;
  return context.now + (patienceWith(machine.state, context) ?? installing);
}

/** How long a machine may be silent in a state of its way into a cluster, in milliseconds; undefined in all others. */
export function patienceWith(state: LifecycleState, { limits }: TransitionContext): number | undefined {
  if (state === "preparing") return limits.preparingTimeout;
  if (state === "waiting") return limits.waitingTimeout;
  return state === "joining" ? limits.joiningTimeout : undefined;
}

/** Whether an installer may be handed out in the machine's state. */
export function mayInstall(machine: Machine): boolean {
  return machine.state === "registered" || (machine.state === "installing" && !machine.installFinished);
}

/** Whether an installation was only given up because nothing was heard: its installer may still be at work. */
export function fellSilentInstalling(machine: Machine): boolean {
  return failedWhileInstalling(machine) && machine.failure?.cause === "silence";
}

/** Refuses a held machine. */
export function unlessHeld(machine: Machine): string | undefined {
  return machine.held === undefined ? undefined : `it is held: ${machine.held}; confirm it first`;
}

/** Refuses once the installer has reported its end. */
export function unlessFinished(machine: Machine): string | undefined {
  return machine.installFinished ? "this installation has already reported its end" : undefined;
}

/** Refuses a stage that comes before the one already reported in this attempt. */
export function unlessBehind(machine: Machine, reported: string): string | undefined {
  const order: readonly string[] = INSTALL_STAGES;
  if (order.indexOf(reported) >= order.indexOf(machine.stage ?? "")) return undefined;
  return `stage ${reported} comes before stage ${machine.stage ?? ""}, which was already reported`;
}

/** Refuses a deadline that is not the machine's any more. The time is not asked: the clock may have been set. */
export function unlessDue(machine: Machine, event: EventOf<"silence">): string | undefined {
  if (machine.held !== undefined) return "a held machine is not expected to report";
  return machine.deadline === event.deadline ? undefined : "it was heard meanwhile";
}

/** Refuses reports of another generation; a held machine may be ahead of a restored registry, its certificate proves it. */
export function unlessOtherGeneration(
  machine: Machine,
  event: { readonly generation: number },
): string | undefined {
  if (event.generation === machine.generation) return undefined;
  if (machine.held !== undefined && event.generation > machine.generation) return undefined;
  return `it comes from generation ${event.generation}; the machine is in generation ${machine.generation}`;
}
