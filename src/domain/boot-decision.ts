/** What a machine that boots from the network gets: one pure decision, always with its reason. */

import { failedWhileInstalling } from "./lifecycle-effects.ts";
import { type LifecycleEvent, type LifecycleLimits, LOADING_STAGE } from "./lifecycle-events.ts";
import type { Machine } from "./machine.ts";

/** Whether the installer's files can be served; `what` and `reason` are for the machine's console. */
export type AssetReadiness =
  | { readonly kind: "ready" }
  | { readonly kind: "pulling"; readonly progress: number; readonly what: string }
  | { readonly kind: "missing"; readonly reason: string };

export interface BootSituation {
  /** The machine that asks; undefined when nobody registered its MAC. */
  readonly machine: Machine | undefined;
  readonly assets: AssetReadiness;
  readonly limits: LifecycleLimits;
}

/**
 * `reason` is a sentence for a person in front of the console. `event` is what handing this out means to the machine's
 * lifecycle: apply it first, and hand the decision out only if it was accepted.
 */
export type BootDecision = {
  readonly reason: string;
  readonly event?: LifecycleEvent;
} & (
  | { readonly kind: "install" }
  /** The machine's own disk. */
  | { readonly kind: "local" }
  /** A script that asks again; the reason says what for. */
  | { readonly kind: "wait" }
  | { readonly kind: "failed" }
  | { readonly kind: "inventory" }
  | { readonly kind: "rescue" }
  | { readonly kind: "unknown" }
);

/** Decides what a network boot of this machine gets. Nothing but `registered` and an unfinished `installing` gets an installer. */
export function decideBoot(situation: BootSituation): BootDecision {
  const { machine } = situation;
  if (!machine) return { kind: "unknown", reason: "nobody registered this machine" };
  if (machine.held !== undefined) {
    return {
      kind: "local",
      reason: `the machine is held (${machine.held}); until it is confirmed only its own disk boots`,
    };
  }
  return decideOverride(machine) ?? decideState(machine, situation);
}

function decideOverride(machine: Machine): BootDecision | undefined {
  if (machine.bootOverride === undefined || machine.bootOverride === "install") return undefined;
  if (machine.state === "retired") return undefined;
  const reason = `${machine.bootOverride} was asked for, once`;
  return { kind: machine.bootOverride, reason, event: { type: "boot-override-used" } };
}

function decideState(machine: Machine, situation: BootSituation): BootDecision {
  switch (machine.state) {
    case "discovered":
      return { kind: "inventory", reason: "the machine was discovered and waits for approval" };
    case "registered":
      return decideInstall(situation, "the machine is registered");
    case "installing":
      return decideInstalling(machine, situation);
    case "failed":
      return decideFailed(machine);
    case "retired":
      return { kind: "local", reason: "the machine is retired" };
    case "installed":
    case "preparing":
    case "waiting":
    case "joining":
    case "ready":
    case "draining":
    case "removing":
      return { kind: "local", reason: `the machine is ${machine.state}; only a reimage installs it again` };
  }
}

function decideInstalling(machine: Machine, situation: BootSituation): BootDecision {
  if (machine.installFinished) {
    return {
      kind: "local",
      reason: "its installation has finished; the installed system boots for the first time",
    };
  }
  const { installAttempts } = situation.limits;
  if (machine.stage === LOADING_STAGE) return decideInstall(situation, "its installer is being loaded");
  if (machine.installAttempts >= installAttempts) {
    return {
      kind: "failed",
      reason: `${machine.installAttempts} of ${installAttempts} installer boots did not report their end`,
      event: { type: "installer-booted" },
    };
  }
  return decideInstall(
    situation,
    `attempt ${machine.installAttempts} of ${installAttempts} did not report its end`,
  );
}

function decideInstall({ assets }: BootSituation, reason: string): BootDecision {
  switch (assets.kind) {
    case "ready":
      return { kind: "install", reason, event: { type: "installer-booted" } };
    case "pulling":
      return { kind: "wait", reason: `waiting for ${assets.what} (${Math.floor(assets.progress * 100)} %)` };
    case "missing":
      return { kind: "wait", reason: assets.reason };
  }
}

function decideFailed(machine: Machine): BootDecision {
  const why = machine.failure?.reason ?? "no reason was recorded";
  if (failedWhileInstalling(machine)) return { kind: "failed", reason: `the installation failed: ${why}` };
  return { kind: "local", reason: `the machine failed after it was installed (${why}); its own disk boots` };
}
