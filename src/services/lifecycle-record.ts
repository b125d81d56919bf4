/** Lifecycle events as entries of the timeline. */
import type { TransitionOutcome } from "../domain/lifecycle.ts";
import { describeEvent, type LifecycleEvent, type LifecycleEventType } from "../domain/lifecycle-events.ts";
import { type Machine, macsOf } from "../domain/machine.ts";
import type { MachineSpec } from "../domain/machine-spec.ts";
import type { BatchEntry } from "./machine-batch.ts";
import type { EventInput } from "./ports.ts";
import type { Source } from "./registry.ts";

/** Reports are made by machines: one that does not fit points at an attack, a mix-up or a restored backup. */
const REPORTS: readonly LifecycleEventType[] = [
  "stage-reported",
  "install-finished",
  "install-failed",
  "node-reported",
  "node-failed",
];
/** Said over and over by machines that work: repetitions would drown everything else. */
const QUIET_REPEATS: readonly LifecycleEventType[] = [
  "node-reported",
  "installer-booted",
  "boot-override-used",
  "payload-taken",
  "step-reported",
  "turn-asked",
  "turn-granted",
  "node-ready",
];

/** New time for a machine that stays where it is. */
const QUIET_RENEWALS: readonly LifecycleEventType[] = ["turn-asked", "turn-granted"];

/** The entry for an event and its outcome; undefined for repetitions not worth one. */
export function recordOf(
  before: Machine,
  event: LifecycleEvent,
  options: { readonly outcome: TransitionOutcome; readonly source: Source },
): EventInput | undefined {
  const { outcome, source } = options;
  const common = { machine: before.name, mac: before.spec.mac, source };
  if (!outcome.ok) {
    return {
      ...common,
      type: "refused",
      level: REPORTS.includes(event.type) ? "alarm" : "warning",
      message: `refused: ${outcome.reason}`,
      data: { event: event.type, state: before.state, generation: before.generation },
    };
  }
  if (!outcome.changed && QUIET_REPEATS.includes(event.type)) return undefined;
  const after = outcome.machine;
  if (after.state === before.state && QUIET_RENEWALS.includes(event.type)) return undefined;
  return {
    ...common,
    type: event.type,
    level: after.state === "failed" && before.state !== "failed" ? "warning" : "info",
    message: describe(before, event, outcome),
    data: { ...detailsOf(event, after), from: before.state, to: after.state, generation: after.generation },
  };
}

function describe(before: Machine, event: LifecycleEvent, outcome: TransitionOutcome): string {
  const words = describeEvent(event);
  const { machine: after } = outcome;
  if (outcome.ok && !outcome.changed) return `${words}, again`;
  const reason = after.state === "failed" && after.failure ? `: ${after.failure.reason}` : "";
  return before.state === after.state
    ? `${words}${reason}`
    : `${words}: ${before.state} → ${after.state}${reason}`;
}

function detailsOf(event: LifecycleEvent, after: Machine): Readonly<Record<string, unknown>> {
  if (event.type === "installer-booted") return { attempt: after.installAttempts };
  return Object.fromEntries(Object.entries(event).filter(([key]) => key !== "type"));
}

/** The entry for a changed spec, naming its fields. */
export function updateRecord(before: Machine, after: Machine, source: Source): EventInput {
  const keys = [
    ...new Set([...Object.keys(before.spec), ...Object.keys(after.spec)]),
  ] as (keyof MachineSpec)[];
  const fields = keys.filter((key) => JSON.stringify(before.spec[key]) !== JSON.stringify(after.spec[key]));
  return {
    machine: after.name,
    mac: after.spec.mac,
    type: "updated",
    source,
    message: `changed: ${fields.join(", ")}`,
    data: { fields },
  };
}

/** The entry for a machine that was registered, changed or forgotten because the documents say so. */
export function batchRecord({ before, after }: BatchEntry, source: Source): EventInput | undefined {
  if (!after) {
    return (
      before && {
        ...identityOf(before),
        type: "removed",
        source,
        message: "forgotten: no document describes it",
      }
    );
  }
  if (before && before.state === after.state) return updateRecord(before, after, source);
  const message = `registered with ${macsOf(after.spec).join(", ")}`;
  return { ...identityOf(after), type: "registered", source, message };
}

function identityOf({ name, spec }: Machine): Pick<EventInput, "machine" | "mac"> {
  return { machine: name, mac: spec.mac };
}
