/** `muster status` */
import type { Command } from "commander";
import type { StatusView } from "../adapters/client/resources.ts";
import { example } from "./example.ts";
import { NegativeResult } from "./exit.ts";
import { duration } from "./format.ts";
import type { Session } from "./session.ts";
import type { Style } from "./style.ts";
import { printable } from "./table.ts";

export function defineStatus(program: Command, session: Session): void {
  program
    .command("status")
    .description("Tell how the appliance is; exit code 1 when it is not ready.")
    .addHelpText("after", example("muster status", "muster status -q || systemctl restart muster"))
    .action(async () => {
      const status = await (await session.client()).get<StatusView>("status");
      if (!(await session.printWhole(status))) {
        for (const line of linesOf(status, session.style, Date.now())) session.data(line);
      }
      if (!status.ready) throw new NegativeResult("not ready");
    });
}

function linesOf(status: StatusView, style: Style, now: number): readonly string[] {
  const { version, startedAt, dhcpMode } = status;
  const counts = Object.entries(status.machines).filter(([, count]) => count > 0);
  return [
    `Muster ${version}, up ${duration(now - startedAt)}, DHCP mode ${dhcpMode}: ${status.ready ? style.good("ready") : style.bad("not ready")}`,
    `machines: ${counts.map(([state, count]) => `${count} ${state}`).join(", ") || "none"}`,
    ...status.listeners.map(({ name, state, endpoints, problem }) => {
      const text = printable(problem ?? (endpoints ?? []).join(", "));
      return `${name.padEnd(16)} ${state === "degraded" ? style.busy(state) : state}  ${text}`.trimEnd();
    }),
    ...status.checks.map(({ name, state, reason }) => {
      const paint = { ok: style.good, degraded: style.busy, failed: style.bad }[state];
      return `${name.padEnd(16)} ${paint(state)}  ${printable(reason ?? "")}`.trimEnd();
    }),
    ...status.rivals.map(({ address }) => style.busy(`another DHCP server answers at ${address}`)),
  ];
}
