/** What is known about one machine's way through the network, put together for the rules of the diagnosis. */
import type { BootDecision } from "../domain/boot-decision.ts";
import type { Machine } from "../domain/machine.ts";
import type { LastAnswer } from "./cluster/turn-reply.ts";
import type { DecisionTrace } from "./dhcp/dhcp-service.ts";
import type { StoredEvent } from "./ports.ts";

/** One thing the diagnosis found. */
export interface Finding {
  readonly level: "ok" | "info" | "warning" | "problem";
  /** What was seen, in one sentence. */
  readonly message: string;
  /** What a person can do about it. */
  readonly advice?: string;
}

export interface DiagnosisFacts {
  readonly machine: Machine;
  /** Decisions about its MACs since {@link DiagnosisFacts.since}, oldest first. */
  readonly traces: readonly DecisionTrace[];
  /** Its timeline since then, oldest first. */
  readonly events: readonly StoredEvent[];
  /** When it last began to be expected: registered, approved, retried, reimaged. */
  readonly since: number;
  readonly now: number;
  readonly nextBoot: Pick<BootDecision, "kind" | "reason">;
  /** Other DHCP servers noticed on the network. */
  readonly rivals: readonly string[];
  /** What it was told when it asked last for its turn in its cluster. */
  readonly turn?: LastAnswer | undefined;
}

/** Says one thing about the facts, or nothing. */
export type DiagnosisRule = (facts: DiagnosisFacts) => Finding | undefined;

const BEGINNINGS: ReadonlySet<string> = new Set([
  "registered",
  "discovered",
  "approved",
  "registered-again",
  "retry-requested",
  "reimage-requested",
  "confirmed",
]);

/** Narrows everything known about a machine to what happened since it was last expected to begin. */
export function factsOf(known: Omit<DiagnosisFacts, "since">): DiagnosisFacts {
  const beginning = known.events.findLast(({ type }) => BEGINNINGS.has(type));
  const since = beginning?.at ?? known.machine.createdAt;
  return {
    ...known,
    since,
    traces: known.traces.filter(({ at }) => at >= since),
    events: known.events.filter(({ at }) => at >= since),
  };
}

/** The last entry of one of these types; undefined when there is none. */
export function lastEvent(facts: DiagnosisFacts, ...types: readonly string[]): StoredEvent | undefined {
  return facts.events.findLast(({ type }) => types.includes(type));
}

/** The last packet of one of these messages; undefined when there is none. */
export function lastPacket(facts: DiagnosisFacts, ...messages: readonly string[]): DecisionTrace | undefined {
  return facts.traces.findLast(({ message }) => messages.includes(message));
}

/** A duration in words: `40 seconds`, `3 minutes`, `2 hours`. */
export function inWords(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} seconds`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3_600)} hours`;
}
