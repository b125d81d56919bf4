/** Where a machine stands, in the words of the person in front of the rack. */
import type { LifecycleState, Machine } from "../../domain/machine.ts";

/** How a tile is coloured. */
export type Tone = "idle" | "busy" | "good" | "bad" | "asks";

const STATES: Readonly<Record<LifecycleState, readonly [words: string, tone: Tone]>> = {
  discovered: ["new here, waits for approval", "asks"],
  registered: ["waits for its network boot", "idle"],
  installing: ["installing", "busy"],
  installed: ["installed", "good"],
  preparing: ["preparing", "busy"],
  waiting: ["waits for its turn", "busy"],
  joining: ["joining its cluster", "busy"],
  ready: ["ready", "good"],
  draining: ["being drained", "busy"],
  removing: ["leaving its cluster", "busy"],
  failed: ["failed", "bad"],
  retired: ["retired", "idle"],
};

const STAGES: Readonly<Partial<Record<string, string>>> = {
  "installer-loading": "loading the installer",
  "installer-started": "the installer runs",
  partitioning: "preparing the disk",
  "base-system": "installing the base system",
  packages: "installing packages",
  bootloader: "installing the boot loader",
  finished: "finished",
  "first-boot": "first boot from its disk",
};

/** The state in words. */
export function stateWords(state: LifecycleState): string {
  return STATES[state][0];
}

/** The colour of a machine: a held one asks for a person whatever its state. */
export function toneOf(machine: Pick<Machine, "state" | "held">): Tone {
  return machine.held === undefined ? STATES[machine.state][1] : "asks";
}

/** The stage in words; empty when there is none. */
export function stageWords(stage: string | undefined): string {
  return stage === undefined ? "" : (STAGES[stage] ?? stage);
}

/** What failed and what to do about it. */
export interface FailureWords {
  readonly what: string;
  readonly advice: string;
}

/** The failure of a machine in plain words; undefined when it has not failed. */
export function failureWords(machine: Machine): FailureWords | undefined {
  const { failure } = machine;
  if (!failure) return undefined;
  const stage = stageWords(failure.stage);
  const what = `${failure.reason}${stage === "" ? "" : `, while ${stage}`}`;
  return { what, advice: adviceFor(machine, failure.cause) };
}

function adviceFor(machine: Machine, cause: NonNullable<Machine["failure"]>["cause"]): string {
  const running = machine.installFinished;
  switch (cause) {
    case "silence":
      return running
        ? "Look at its console and its network cable. As soon as it reports, it goes on by itself."
        : "Look at its console. It goes on by itself as soon as it reports; when it hangs, power-cycle it and retry.";
    case "attempts":
      return "The installer restarted without ever reporting its end. The log below shows how far it came; then retry.";
    case "reported":
      return running ? "Fix what it names; it reports again by itself." : "Fix what it names, then retry.";
  }
}
