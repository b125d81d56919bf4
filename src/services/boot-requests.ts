/**
 * Boot scripts as they are handed out: an entry in the timeline when the answer is a new one, and a warning when a
 * machine comes back again and again (P-23).
 */
import type { BootDecision } from "../domain/boot-decision.ts";
import type { Machine } from "../domain/machine.ts";
import type { Clock, EventSink } from "./ports.ts";

/** The same answer again within this time is no news: waiting machines ask every few seconds. */
const SAME_ANSWER_MS = 600_000;
/** More boots than `LOOP_BOOTS` in `LOOP_WINDOW_MS` are no progress but a circle. */
const LOOP_BOOTS = 5;
const LOOP_WINDOW_MS = 900_000;
const LOOP_TOLD_EVERY_MS = 3_600_000;
const MACHINES_KEPT = 10_000;

interface Asked {
  readonly answer: string;
  readonly answeredAt: number;
  /** When scripts that really boot something were handed out. */
  readonly boots: readonly number[];
  readonly toldAt: number | undefined;
}

export class BootRequests {
  readonly #events: EventSink;
  readonly #clock: Clock;
  readonly #asked = new Map<string, Asked>();

  constructor(options: { readonly events: EventSink; readonly clock: Clock }) {
    this.#events = options.events;
    this.#clock = options.clock;
  }

  /** Notes that a machine was given this decision as its script. */
  note(machine: Machine, decision: BootDecision): void {
    const now = this.#clock.monotonic();
    const before = this.#asked.get(machine.name);
    const answer = `${decision.kind}: ${decision.reason}`;
    const news = before?.answer !== answer || now - before.answeredAt >= SAME_ANSWER_MS;
    const boots = bootsWithin(before?.boots ?? [], decision, now);
    const looping = boots.length > LOOP_BOOTS;
    const tell = looping && (before?.toldAt === undefined || now - before.toldAt >= LOOP_TOLD_EVERY_MS);
    if (news) this.#record(machine, { type: "boot-script", message: `asked for its boot script: ${answer}` });
    if (tell) this.#tellLoop(machine, decision);
    if (!before && this.#asked.size >= MACHINES_KEPT) this.#asked.clear();
    this.#asked.set(machine.name, {
      answer,
      answeredAt: news ? now : before.answeredAt,
      boots,
      toldAt: tell ? now : before?.toldAt,
    });
  }

  #tellLoop(machine: Machine, decision: BootDecision): void {
    const what =
      decision.kind === "local" ? "its own disk does not start" : "what it was given does not start";
    this.#record(machine, {
      type: "boot-loop",
      level: "warning",
      message: `booted from the network more than ${LOOP_BOOTS} times in ${LOOP_WINDOW_MS / 60_000} minutes: ${what}`,
    });
  }

  #record(
    machine: Machine,
    entry: { readonly type: string; readonly message: string; readonly level?: "warning" },
  ): void {
    this.#events.record({ machine: machine.name, mac: machine.spec.mac, source: "http", ...entry });
  }
}

// Scripts that only wait are fetched again by themselves and say nothing about a circle.
function bootsWithin(boots: readonly number[], decision: BootDecision, now: number): readonly number[] {
  if (decision.kind !== "local" && decision.kind !== "install" && decision.kind !== "rescue") return boots;
  return [...boots.filter((at) => now - at < LOOP_WINDOW_MS), now].slice(-(LOOP_BOOTS + 1));
}
