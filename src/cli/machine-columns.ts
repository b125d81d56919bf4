/** The columns by which machines are listed. */
import type { MachineView } from "../adapters/client/resources.ts";
import { ago } from "./format.ts";
import { paintState, type Style } from "./style.ts";
import { type Column, printable } from "./table.ts";

/** The columns of `muster get machines` and `muster watch`. */
export function machineColumns(style: Style, now: number): readonly Column<MachineView>[] {
  return [
    { title: "NAME", of: (machine) => machine.name },
    { title: "STATE", of: (machine) => paintState(machine.state, style) },
    { title: "STAGE", of: (machine) => stageOf(machine) },
    { title: "GEN", of: (machine) => String(machine.generation) },
    { title: "MAC", of: (machine) => machine.mac },
    { title: "ADDRESS", of: (machine) => printable(machine.address ?? machine.seen?.address ?? "-") },
    { title: "CLUSTER", of: ({ spec }) => spec.cluster ?? "-" },
    { title: "ROLES", of: ({ spec }) => (spec.roles.length === 0 ? "-" : spec.roles.join(",")) },
    { title: "OS", of: (machine) => `${machine.spec.os.name}-${machine.spec.os.version}` },
    { title: "SEEN", of: (machine) => ago(machine.seen?.at, now) },
    { title: "NOTE", of: (machine) => noteOf(machine, style) },
  ];
}

function stageOf(machine: MachineView): string {
  if (machine.state === "failed") return printable(machine.failure?.stage ?? "-");
  if (machine.stage === undefined) return "-";
  const percent = machine.progress === undefined ? "" : ` ${Math.round(machine.progress)}%`;
  return `${printable(machine.stage)}${percent}`;
}

function noteOf(machine: MachineView, style: Style): string {
  if (machine.held !== undefined) return style.bad(`held: ${printable(machine.held)}`);
  if (machine.failure !== undefined) return style.bad(printable(machine.failure.reason));
  return machine.bootOverride === undefined ? "" : `next boot: ${machine.bootOverride}`;
}
