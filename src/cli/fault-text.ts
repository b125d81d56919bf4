/** One fault of a document as a line: `muster.yaml:3:5: dhcp.mode: expected …`. */
import type { Fault } from "../domain/errors.ts";

/** The place as far as it is known, the path, and what was expected. */
export function formatFault(fault: Fault): string {
  const place = [fault.file, fault.line, fault.column].filter((part) => part !== undefined).join(":");
  return [place, fault.path, fault.message].filter((part) => part !== "").join(": ");
}
