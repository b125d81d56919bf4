/**
 * What an installer says about itself, carried by its ticket. The same report twice has one effect and one answer;
 * a report that does not fit is refused and kept as an event.
 */
import { z } from "zod";
import type { LifecycleEvent } from "../domain/lifecycle-events.ts";
import { type DiskIdentity, INSTALL_STAGES, type Machine } from "../domain/machine.ts";
import type { InstallerLog } from "./installer-log.ts";
import type { Clock, EventSink } from "./ports.ts";
import type { Registry } from "./registry.ts";
import type { Tickets } from "./tickets.ts";

const text = (max: number) => z.string().transform((value) => value.slice(0, max));
const bytes = z.coerce.number().int().positive();

const diskSchema = z.object({
  path: z.string().startsWith("/dev/").max(200),
  serial: z.string().min(1).max(200).optional(),
  wwn: z.string().min(1).max(200).optional(),
  model: z.string().min(1).max(200).optional(),
  sizeBytes: bytes,
});

/** Body of `POST /install/{ticket}/report`, as JSON. Unknown keys are ignored: an older installer may meet a newer appliance. */
export const installReportSchema = z.discriminatedUnion("report", [
  z.object({
    report: z.literal("stage"),
    stage: z.enum(INSTALL_STAGES).exclude(["finished"]),
    detail: text(1000).optional(),
  }),
  z.object({
    report: z.literal("failed"),
    reason: text(1000),
    stage: text(100).optional(),
    /** What the wipe guard found, one finding each. */
    findings: z.array(text(300)).max(50).optional(),
    /** End of the installer's log. */
    log: text(65_536).optional(),
  }),
  z.object({
    report: z.literal("finished"),
    /** The disks that hold the installed system. */
    disks: z.array(diskSchema).min(1).max(16),
    /** Random marker written to those disks. */
    marker: z.string().min(8).max(200).optional(),
  }),
]);

export type InstallReport = z.output<typeof installReportSchema>;

/** Circumstances of a report: evidence, never identity. */
export interface ReportFacts {
  readonly address?: string;
}

/** `status` is the HTTP status that says it to the installer. */
export type ReportOutcome =
  | { readonly kind: "acknowledged"; readonly machine: string; readonly repeated: boolean }
  | { readonly kind: "refused"; readonly status: 400 | 403 | 409; readonly reason: string };

export interface InstallReports {
  /**
   * Takes one report. An acknowledgement is given after the change is durable: the installer may restart then.
   * @throws MusterError `unavailable` when the store cannot be written; the installer asks again.
   */
  accept(ticket: string, body: unknown, facts: ReportFacts): Promise<ReportOutcome>;
}

export interface InstallReportsOptions {
  readonly tickets: Pick<Tickets, "resolve">;
  readonly registry: Pick<Registry, "apply" | "noteSighting">;
  readonly installerLog: Pick<InstallerLog, "note">;
  readonly events: EventSink;
  readonly clock: Clock;
}

/** Takes the reports of installers: ticket, form, lifecycle, in this order. */
export function createInstallReports(options: InstallReportsOptions): InstallReports {
  return { accept: (ticket, body, facts) => accept(options, { ticket, body, facts }) };
}

async function accept(
  options: InstallReportsOptions,
  given: { readonly ticket: string; readonly body: unknown; readonly facts: ReportFacts },
): Promise<ReportOutcome> {
  const check = await options.tickets.resolve(given.ticket, { for: "report" });
  if (!check.ok) return { kind: "refused", status: 403, reason: "this ticket is not valid" };
  const { machine } = check;
  noteAddress(options, machine, given.facts);
  const parsed = installReportSchema.safeParse(given.body);
  if (!parsed.success) return refuseForm(options, machine, parsed.error);
  noteText(options, machine, parsed.data);
  const outcome = await options.registry.apply(machine.name, lifecycleEventOf(parsed.data), "installer");
  if (!outcome.ok) return { kind: "refused", status: 409, reason: outcome.reason };
  return { kind: "acknowledged", machine: machine.name, repeated: !outcome.changed };
}

function noteAddress({ registry, clock }: InstallReportsOptions, machine: Machine, facts: ReportFacts): void {
  if (facts.address === undefined) return;
  registry.noteSighting({ at: clock.now(), mac: machine.spec.mac, address: facts.address }, machine);
}

function refuseForm(options: InstallReportsOptions, machine: Machine, error: z.ZodError): ReportOutcome {
  const fault = error.issues[0];
  const where = fault && fault.path.length > 0 ? `${fault.path.join(".")}: ` : "";
  const reason = `the report does not fit: ${where}${fault?.message ?? "it cannot be read"}`;
  options.events.record({
    type: "refused",
    machine: machine.name,
    mac: machine.spec.mac,
    source: "installer",
    level: "alarm",
    message: reason,
  });
  return { kind: "refused", status: 400, reason };
}

// The words of a report belong to the installer's log, where people look for them.
function noteText({ installerLog }: InstallReportsOptions, machine: Machine, report: InstallReport): void {
  const say = (text: string): void => installerLog.note(machine, { program: "muster", text });
  if (report.report === "stage" && report.detail !== undefined) say(report.detail);
  if (report.report !== "failed") return;
  for (const line of report.log?.split("\n") ?? []) if (line !== "") say(line);
  for (const finding of report.findings ?? []) say(`found: ${finding}`);
  say(`failed: ${report.reason}`);
}

function lifecycleEventOf(report: InstallReport): LifecycleEvent {
  switch (report.report) {
    case "stage":
      return { type: "stage-reported", stage: report.stage };
    case "failed":
      return {
        type: "install-failed",
        reason: report.reason,
        stage: report.stage,
        findings: report.findings,
      };
    case "finished":
      return { type: "install-finished", disks: report.disks.map(identityOf), marker: report.marker };
  }
}

function identityOf(disk: z.output<typeof diskSchema>): DiskIdentity {
  const { path, serial, wwn, model, sizeBytes } = disk;
  return {
    path,
    sizeBytes,
    ...(serial === undefined ? {} : { serial }),
    ...(wwn === undefined ? {} : { wwn }),
    ...(model === undefined ? {} : { model }),
  };
}
