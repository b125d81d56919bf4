/** What an installed machine, known by its certificate, says about itself. */
import { z } from "zod";
import type { LifecycleEvent } from "../domain/lifecycle-events.ts";
import type { ReportFacts, ReportOutcome } from "./install-reports.ts";
import type { Clock, EventSink } from "./ports.ts";
import type { Registry } from "./registry.ts";

/** Body of `POST /node/v1/report`. Unknown keys are ignored: an older machine may meet a newer appliance. */
export const nodeReportSchema = z.discriminatedUnion("event", [
  z.object({
    event: z.literal("installed"),
    /** What the machine knows of itself: kernel, disks, NICs. Kept for people, read by nobody. */
    facts: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({ event: z.literal("failed"), reason: z.string().transform((text) => text.slice(0, 1000)) }),
]);

export interface NodeReportsOptions {
  readonly registry: Pick<Registry, "apply" | "noteSighting" | "byName">;
  readonly events: EventSink;
  readonly clock: Clock;
}

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
      "the report does not fit: its event is neither installed nor failed, or a field is of the wrong kind";
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
