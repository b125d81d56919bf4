/** Everything that can happen to a machine, and what the rules need to know besides. */
import type { BootOverride, DiskIdentity, InstallStage } from "./machine.ts";

/** The stage between handing out an installer and hearing from it. */
export const LOADING_STAGE = "installer-loading";
/** The stage between the installer's last report and the installed system's first. */
export const FIRST_BOOT_STAGE = "first-boot";

export type LifecycleEvent =
  | { readonly type: "approved" }
  /** An installer is about to be handed out. */
  | { readonly type: "installer-booted" }
  | { readonly type: "stage-reported"; readonly stage: Exclude<InstallStage, "finished"> }
  | {
      readonly type: "install-finished";
      readonly disks: readonly DiskIdentity[];
      readonly marker?: string | undefined;
    }
  | {
      readonly type: "install-failed";
      readonly reason: string;
      readonly stage?: string | undefined;
      /** What the wipe guard found on the install disk. */
      readonly findings?: readonly string[] | undefined;
    }
  /** The installed system, known by its certificate, says that it runs. */
  | { readonly type: "node-reported"; readonly generation: number }
  | { readonly type: "node-failed"; readonly generation: number; readonly reason: string }
  /** The installed system has taken what makes it a member of its cluster. */
  | { readonly type: "payload-taken"; readonly generation: number }
  | { readonly type: "step-reported"; readonly generation: number; readonly step: string }
  | { readonly type: "turn-asked"; readonly generation: number }
  /** It may initialise or join now. */
  | { readonly type: "turn-granted"; readonly generation: number }
  | { readonly type: "turn-ended"; readonly reason: string }
  /** The cluster says that its Node is Ready. */
  | { readonly type: "node-ready" }
  /** The cluster says that its Node is not Ready any more, or gone. */
  | { readonly type: "node-lost"; readonly reason: string }
  /** It is being taken out of its cluster: first its pods. */
  | { readonly type: "drain-started" }
  /** …then its etcd member and its Node. */
  | { readonly type: "removal-started" }
  | { readonly type: "removal-given-up"; readonly reason: string }
  /** The watchdog saw this deadline of the machine pass. */
  | { readonly type: "silence"; readonly deadline: number }
  | { readonly type: "retry-requested" }
  /** `confirmed`: a person knows that the new system may be about to boot for the first time. */
  | { readonly type: "reimage-requested"; readonly confirmed?: true | undefined }
  | { readonly type: "retired" }
  | { readonly type: "registered-again" }
  | { readonly type: "held"; readonly reason: string }
  | { readonly type: "confirmed" }
  | { readonly type: "boot-override-set"; readonly override: BootOverride }
  | { readonly type: "boot-override-cleared" }
  | { readonly type: "boot-override-used" };

export type LifecycleEventType = LifecycleEvent["type"];

/** How often and how long; durations in milliseconds. */
export interface LifecycleLimits {
  readonly installAttempts: number;
  readonly installTimeout: number;
  readonly firstBootTimeout: number;
  readonly preparingTimeout: number;
  readonly waitingTimeout: number;
  readonly joiningTimeout: number;
}

export interface TransitionContext {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly limits: LifecycleLimits;
}

const DESCRIPTIONS: Readonly<Record<LifecycleEventType, string>> = {
  approved: "approval",
  "installer-booted": "an installer boot",
  "stage-reported": "an installer's report",
  "install-finished": "the report that the installation finished",
  "install-failed": "the report that the installation failed",
  "node-reported": "a report of the installed system",
  "node-failed": "a failure report of the installed system",
  "payload-taken": "taking the node payload",
  "step-reported": "the report of a step",
  "turn-asked": "asking for a turn",
  "turn-granted": "a granted turn",
  "turn-ended": "the end of a turn",
  "node-ready": "a Node that is Ready",
  "node-lost": "a Node that is not Ready",
  "drain-started": "draining",
  "removal-started": "removal from the cluster",
  "removal-given-up": "giving up the removal",
  silence: "a passed deadline",
  "retry-requested": "a retry",
  "reimage-requested": "a reimage",
  retired: "retirement",
  "registered-again": "registering again",
  held: "a hold",
  confirmed: "confirmation",
  "boot-override-set": "a boot override",
  "boot-override-cleared": "clearing the boot override",
  "boot-override-used": "using the boot override",
};

/** The event in words that begin a sentence about it. */
export function describeEvent(event: LifecycleEvent): string {
  const words = DESCRIPTIONS[event.type];
  if (event.type === "step-reported") return `the report of step ${event.step}`;
  return event.type === "stage-reported" ? `${words} of stage ${event.stage}` : words;
}
