/** Why a machine is where it is: everything that was seen of it, joined and judged by the rules. */
import type { BootDecision } from "../domain/boot-decision.ts";
import { type Machine, macsOf } from "../domain/machine.ts";
import type { LastAnswer } from "./cluster/turn-reply.ts";
import type { DecisionTrace } from "./dhcp/dhcp-service.ts";
import { type DiagnosisFacts, type Finding, factsOf } from "./diagnose-facts.ts";
import { DIAGNOSIS_RULES } from "./diagnose-rules.ts";
import type { Clock, StoredEvent } from "./ports.ts";
import type { EventQuery } from "./store.ts";

/** One line of what happened, from whatever source. */
export interface TimelineLine {
  /** ISO 8601. */
  readonly at: string;
  readonly source: string;
  readonly what: string;
}

export interface Diagnosis {
  readonly summary: string;
  /** Worst first. */
  readonly findings: readonly Finding[];
  readonly nextBoot: { readonly kind: string; readonly reason: string };
  /** DHCP decisions, transfers, scripts and reports in their order, newest last. */
  readonly packets: readonly TimelineLine[];
}

/** The last DHCP decisions about a MAC, oldest first. */
export interface DhcpTraces {
  tracesFor(mac: string): readonly DecisionTrace[];
}

export interface DiagnoseOptions {
  readonly events: { list(query: EventQuery): Promise<readonly StoredEvent[]> };
  readonly dhcp: DhcpTraces;
  readonly decide: (machine: Machine) => BootDecision;
  readonly rivals: () => readonly string[];
  /** What a machine was told when it asked last for its turn in its cluster. */
  readonly turn?: (machine: string) => LastAnswer | undefined;
  readonly clock: Clock;
}

const EVENTS_READ = 300;
const LINES_SHOWN = 40;
const ORDER = ["problem", "warning", "info", "ok"] as const satisfies readonly Finding["level"][];

/** Diagnoses one machine. @throws MusterError only when neither store nor memory can tell its timeline */
export async function diagnose(machine: Machine, options: DiagnoseOptions): Promise<Diagnosis> {
  const events = await options.events.list({ machine: machine.name, limit: EVENTS_READ });
  const traces = macsOf(machine.spec)
    .flatMap((mac) => options.dhcp.tracesFor(mac))
    .sort((a, b) => a.at - b.at);
  const { kind, reason } = options.decide(machine);
  const nextBoot = { kind, reason };
  const facts = factsOf({
    machine,
    traces,
    events,
    now: options.clock.now(),
    nextBoot,
    rivals: options.rivals(),
    turn: options.turn?.(machine.name),
  });
  const findings = findingsOf(facts);
  return { summary: summaryOf(machine, findings), findings, nextBoot, packets: timelineOf(traces, events) };
}

/** What the rules say about the facts, worst first. */
export function findingsOf(facts: DiagnosisFacts): readonly Finding[] {
  const found = DIAGNOSIS_RULES.flatMap((rule) => rule(facts) ?? []);
  return found.toSorted((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
}

function summaryOf(machine: Machine, findings: readonly Finding[]): string {
  const stage = machine.stage === undefined ? "" : ` (${machine.stage})`;
  const worst = findings[0] ? `: ${findings[0].message}` : "";
  return `${machine.name} is ${machine.state}${stage}${worst}`;
}

function timelineOf(
  traces: readonly DecisionTrace[],
  events: readonly StoredEvent[],
): readonly TimelineLine[] {
  const lines = [
    ...traces.map((trace) => ({ at: trace.at, source: "dhcp", what: packetInWords(trace) })),
    ...events.map(({ at, source, message }) => ({ at, source, what: message })),
  ];
  return lines
    .toSorted((a, b) => a.at - b.at)
    .slice(-LINES_SHOWN)
    .map(({ at, source, what }) => ({ at: new Date(at).toISOString(), source, what }));
}

function packetInWords({
  message,
  reply,
  address,
  bootFile,
  because,
  giaddr,
  listener,
}: DecisionTrace): string {
  const from = giaddr === undefined ? "" : ` by relay ${giaddr}`;
  const port = listener === "boot-server" ? " on port 4011" : "";
  const given = [address, bootFile].filter((part) => part !== undefined).join(", ");
  return `${message}${port}${from} → ${reply ?? "no answer"}${given === "" ? "" : ` (${given})`}: ${because}`;
}
