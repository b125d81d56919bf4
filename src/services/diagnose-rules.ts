/**
 * The rules of the diagnosis, from the power cord to the running system. Every rule looks at the same facts and says
 * one thing or nothing.
 */
import { failedWhileInstalling } from "../domain/lifecycle-effects.ts";
import { FIRST_BOOT_STAGE, LOADING_STAGE } from "../domain/lifecycle-events.ts";
import {
  type DiagnosisFacts,
  type DiagnosisRule,
  type Finding,
  inWords,
  lastEvent,
} from "./diagnose-facts.ts";
import { networkRules } from "./diagnose-network.ts";

/** An installer that is loaded has asked for its preseed by then. */
const PRESEED_WITHIN_MS = 180_000;
/** Stages are minutes apart on slow machines. */
const QUIET_MS = 1_800_000;
const ALARMS: ReadonlySet<string> = new Set(["ticket-refused", "identity-refused", "refused"]);

export const DIAGNOSIS_RULES: readonly DiagnosisRule[] = [
  held,
  wipeGuard,
  failedInstallation,
  firstBootNeverCame,
  failedAtWork,
  ...networkRules,
  preseedNeverFetched,
  quietInstaller,
  firstBootAwaited,
  bootLoop,
  alarms,
  waitsForApproval,
  waitsForItsTurn,
  inOrder,
];

function held({ machine }: DiagnosisFacts): Finding | undefined {
  if (machine.held === undefined) return undefined;
  return {
    level: "problem",
    message: `it is held: ${machine.held}`,
    advice: `look whether what the registry says about it is true, then: muster confirm ${machine.name}`,
  };
}

function wipeGuard(facts: DiagnosisFacts): Finding | undefined {
  const findings = lastEvent(facts, "install-failed")?.data?.findings;
  if (!failedWhileInstalling(facts.machine) || !Array.isArray(findings) || findings.length === 0)
    return undefined;
  return {
    level: "problem",
    message: `stopped by the wipe guard: ${facts.machine.failure?.reason ?? "the disk holds data"}: ${findings.join("; ")}`,
    advice: `if nothing on that disk is needed, set install.wipe to true, then: muster retry ${facts.machine.name}`,
  };
}

function failedInstallation(facts: DiagnosisFacts): Finding | undefined {
  const { machine } = facts;
  if (!failedWhileInstalling(machine) || wipeGuard(facts)) return undefined;
  const { cause, stage, reason } = machine.failure ?? { cause: "silence", stage: undefined, reason: "" };
  const retry = `muster logs ${machine.name}, then: muster retry ${machine.name}`;
  if (cause === "silence" && stage === LOADING_STAGE) {
    return {
      level: "problem",
      message: "preseed never fetched: its installer was handed out, and nothing was heard of it",
      advice: `look at its console: a NIC that needs firmware (firmwarePackages), too little memory? Then: muster retry ${machine.name}`,
    };
  }
  const what =
    cause === "silence"
      ? `its installer fell silent in stage ${stage ?? "?"}`
      : `its installation failed: ${reason}`;
  return { level: "problem", message: what, advice: retry };
}

function firstBootNeverCame({ machine }: DiagnosisFacts): Finding | undefined {
  if (machine.state !== "failed" || machine.failure?.stage !== FIRST_BOOT_STAGE) return undefined;
  return {
    level: "problem",
    message: "its installation finished, and its own system never reported",
    advice: `look at its console: does it start from its disk, has it a network? Otherwise: muster reimage ${machine.name}`,
  };
}

function failedAtWork({ machine }: DiagnosisFacts): Finding | undefined {
  if (machine.state !== "failed" || !machine.failure || machine.failure.from === "installing")
    return undefined;
  const { reason, from } = machine.failure;
  return {
    level: "problem",
    message: `it failed while it was ${from}: ${reason}`,
    advice: `it goes on when it reports again; otherwise: muster reimage ${machine.name}`,
  };
}

function preseedNeverFetched(facts: DiagnosisFacts): Finding | undefined {
  const { machine, now } = facts;
  const booted = lastEvent(facts, "installer-booted");
  if (machine.state !== "installing" || machine.stage !== LOADING_STAGE || !booted) return undefined;
  const fetched = lastEvent(facts, "install-document-fetched");
  if (fetched && fetched.at >= booted.at) {
    return {
      level: "info",
      message: "its installer has fetched its preseed and has not reported a stage yet",
    };
  }
  const waited = now - booted.at;
  if (waited < PRESEED_WITHIN_MS) return { level: "info", message: "its installer is being loaded" };
  return {
    level: "problem",
    message: `preseed never fetched: the installer was handed out ${inWords(waited)} ago, and nothing was heard of it`,
    advice:
      "look at its console: a NIC that needs firmware (firmwarePackages), too little memory, no way to the appliance?",
  };
}

function quietInstaller({ machine, now }: DiagnosisFacts): Finding | undefined {
  if (machine.state !== "installing" || machine.installFinished || machine.stage === LOADING_STAGE)
    return undefined;
  const stage = machine.stage ?? "an unknown stage";
  const quiet = now - machine.updatedAt;
  if (quiet < QUIET_MS) return { level: "ok", message: `it is installing: ${stage}, ${inWords(quiet)} ago` };
  return {
    level: "warning",
    message: `nothing was heard for ${inWords(quiet)}, since stage ${stage}`,
    advice: `muster logs ${machine.name} shows what its installer said last`,
  };
}

function firstBootAwaited({ machine, now }: DiagnosisFacts): Finding | undefined {
  if (machine.state !== "installing" || !machine.installFinished) return undefined;
  const waited = now - machine.updatedAt;
  const message = `its installation finished ${inWords(waited)} ago; its own system has not reported yet`;
  if (waited < QUIET_MS / 3) return { level: "ok", message };
  return {
    level: "warning",
    message,
    advice: "look at its console: does it start from its disk (firmware.localBoot), has it a network?",
  };
}

function bootLoop(facts: DiagnosisFacts): Finding | undefined {
  const loop = lastEvent(facts, "boot-loop");
  if (!loop || facts.now - loop.at > QUIET_MS * 2) return undefined;
  return {
    level: "warning",
    message: loop.message,
    advice: "compare firmware.localBoot with what its console shows",
  };
}

function alarms(facts: DiagnosisFacts): Finding | undefined {
  const found = facts.events.filter(({ type, level }) => level === "alarm" && ALARMS.has(type));
  const last = found.at(-1);
  if (!last) return undefined;
  return {
    level: "warning",
    message: `${found.length} ${found.length === 1 ? "alarm" : "alarms"}, the last: ${last.message}`,
    advice: `muster events ${facts.machine.name} shows them all`,
  };
}

function waitsForApproval({ machine }: DiagnosisFacts): Finding | undefined {
  if (machine.state !== "discovered") return undefined;
  return { level: "info", message: "it waits for approval", advice: `muster approve ${machine.name}` };
}

function waitsForItsTurn({ machine, turn, now }: DiagnosisFacts): Finding | undefined {
  if (machine.state !== "waiting") return undefined;
  const cluster = machine.spec.cluster ?? "";
  const advice = `muster cluster turn ${cluster} shows who has the turn`;
  if (!turn) return { level: "info", message: "it waits for its turn and has not asked for a while", advice };
  const asked = inWords(now - turn.at);
  return { level: "info", message: `it waits for its turn: ${turn.reason} (told ${asked} ago)`, advice };
}

function inOrder({ machine }: DiagnosisFacts): Finding | undefined {
  if (machine.state === "retired") return { level: "ok", message: "it is retired and boots its own disk" };
  if (machine.state === "failed" || machine.held !== undefined) return undefined;
  if (["discovered", "registered", "installing"].includes(machine.state)) return undefined;
  return { level: "ok", message: `it is ${machine.state} and boots its own disk` };
}
