/** What an installed machine, known by its certificate, says about itself. */
import { z } from "zod";
import type { LifecycleEvent } from "../domain/lifecycle-events.ts";
import type { Machine } from "../domain/machine.ts";
import type { StepOutcome, StepReport } from "./cluster/turn-reports.ts";
import type { ReportFacts, ReportOutcome } from "./install-reports.ts";
import type { Clock, EventSink } from "./ports.ts";
import type { Registry } from "./registry.ts";

const LONGEST_LOG = 16_384;

/** Body of `POST /node/v1/report`. Unknown keys are ignored: an older machine may meet a newer appliance. */
export const nodeReportSchema = z.discriminatedUnion("event", [
  z.object({
    event: z.literal("installed"),
    /** What the machine knows of itself: kernel, disks, NICs. Kept for people, read by nobody. */
    facts: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({ event: z.literal("failed"), reason: z.string().transform((text) => text.slice(0, 1000)) }),
  z.object({
    event: z.literal("step"),
    step: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
    state: z.enum(["started", "done", "failed"]),
    /** The tail of the step's log. */
    log: z
      .string()
      .transform((text) => text.slice(-LONGEST_LOG))
      .optional(),
  }),
  /** The machine holds its secrets: nobody needs to be given them any more. */
  z.object({ event: z.literal("secrets-kept") }),
]);

/** Takes what a machine says on its way into a cluster. */
export interface MemberReports {
  step(node: ReportingNode, report: StepReport): Promise<StepOutcome>;
  secretsKept(node: ReportingNode): Promise<void>;
}

export interface NodeReportsOptions {
  /** Absent where there are no clusters. */
  readonly members?: MemberReports | undefined;
  readonly registry: Pick<Registry, "apply" | "noteSighting" | "byName">;
  readonly events: EventSink;
  readonly clock: Clock;
}

type NodeReport = z.output<typeof nodeReportSchema>;

/** The machine and generation that a verified certificate names. */
export interface ReportingNode {
  readonly machine: string;
  readonly generation: number;
}

const LONGEST_FACTS = 32_768;

export class NodeReports {
  readonly #options: NodeReportsOptions;

  constructor(options: NodeReportsOptions) {
    this.#options = options;
  }

  /**
   * Takes one report; the first one after an installation makes the machine `installed`.
   * @throws MusterError `unavailable` when the store cannot be written; the machine asks again.
   */
  async accept(node: ReportingNode, body: unknown, facts: ReportFacts): Promise<ReportOutcome> {
    const parsed = nodeReportSchema.safeParse(body);
    if (!parsed.success) return this.#refuseForm(node);
    this.#noteAddress(node, facts);
    const report = parsed.data;
    if (report.event === "step" || report.event === "secrets-kept") return this.#ofMember(node, report);
    const { generation } = node;
    const event: LifecycleEvent =
      report.event === "installed"
        ? { type: "node-reported", generation }
        : { type: "node-failed", generation, reason: report.reason };
    const outcome = await this.#options.registry.apply(node.machine, event, "node");
    if (!outcome.ok) return { kind: "refused", status: 409, reason: outcome.reason };
    if (report.event === "installed" && outcome.changed) this.#noteFacts(node, report.facts);
    return { kind: "acknowledged", machine: node.machine, repeated: !outcome.changed };
  }

  async #ofMember(
    node: ReportingNode,
    report: Extract<NodeReport, { event: "step" | "secrets-kept" }>,
  ): Promise<ReportOutcome> {
    const { members, registry } = this.#options;
    const fault = unlessOtherGeneration(registry.byName(node.machine), node.generation);
    if (!members || fault !== undefined) {
      return { kind: "refused", status: 409, reason: fault ?? "this appliance has no clusters" };
    }
    const acknowledged = { kind: "acknowledged", machine: node.machine, repeated: false } as const;
    if (report.event === "secrets-kept") {
      await members.secretsKept(node);
      return acknowledged;
    }
    const outcome = await members.step(node, report);
    return outcome.kind === "refused"
      ? { kind: "refused", status: 409, reason: outcome.reason }
      : acknowledged;
  }

  #noteAddress(node: ReportingNode, { address }: ReportFacts): void {
    const { registry, clock } = this.#options;
    const machine = registry.byName(node.machine);
    if (!machine || address === undefined) return;
    registry.noteSighting({ at: clock.now(), mac: machine.spec.mac, address }, machine);
  }

  #noteFacts(node: ReportingNode, facts: Readonly<Record<string, unknown>> | undefined): void {
    if (!facts || JSON.stringify(facts).length > LONGEST_FACTS) return;
    this.#options.events.record({
      type: "node-facts",
      machine: node.machine,
      source: "node",
      message: "told about its system",
      data: facts,
    });
  }

  #refuseForm(node: ReportingNode): ReportOutcome {
    const reason =
      "the report does not fit: its event is none that machines report, or a field is of the wrong kind";
    this.#options.events.record({
      type: "refused",
      machine: node.machine,
      source: "node",
      level: "alarm",
      message: reason,
    });
    return { kind: "refused", status: 400, reason };
  }
}

function unlessOtherGeneration(machine: Machine | undefined, generation: number): string | undefined {
  if (machine?.generation === generation) return undefined;
  return "it comes from another generation of the machine than the present one";
}
