/**
 * What an installer says about itself, carried by its ticket. The same report twice has one effect and one answer;
 * a report that does not fit is refused and kept as an event.
 */
import { z } from "zod";
import { INSTALL_STAGES } from "../domain/machine.ts";

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
