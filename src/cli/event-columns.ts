/** Events and log lines, in tables and one per line. */
import type { EventView, LogLineView } from "../adapters/client/resources.ts";
import { localTime } from "./format.ts";
import type { Style } from "./style.ts";
import { type Column, printable } from "./table.ts";

/** The columns of `muster events`. */
export function eventColumns(style: Style): readonly Column<EventView>[] {
  return [
    { title: "TIME", of: (event) => localTime(event.at) },
    { title: "MACHINE", of: (event) => printable(event.machine ?? event.mac ?? "-") },
    { title: "TYPE", of: (event) => printable(event.type) },
    { title: "SOURCE", of: (event) => printable(event.source) },
    { title: "MESSAGE", of: (event) => paintLevel(event, style) },
  ];
}

/** An event as one line of a live view. */
export function eventLine(event: EventView, style: Style): string {
  const who = printable(event.machine ?? event.mac ?? "appliance");
  return `${style.dim(localTime(event.at))}  ${style.bold(who)}  ${printable(event.type)}  ${paintLevel(event, style)}`;
}

/** A line of an installer's log. */
export function logLine(line: LogLineView, style: Style): string {
  return `${style.dim(localTime(line.at))} ${printable(line.program)}: ${printable(line.text)}`;
}

function paintLevel(event: EventView, style: Style): string {
  const message = printable(event.message);
  if (event.level === "alarm") return style.bad(message);
  return event.level === "warning" ? style.busy(message) : message;
}
