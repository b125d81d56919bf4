/** `muster approve` */
import type { Command } from "commander";
import { example } from "./example.ts";
import { onMachines } from "./on-machines.ts";
import type { Session } from "./session.ts";

export function defineApprove(program: Command, session: Session): void {
  program
    .command("approve")
    .description("Let a discovered machine be installed.")
    .argument("<name...>", "names of machines")
    .addHelpText("after", example("muster approve kube3"))
    .action(async (names: string[]) => {
      await onMachines(session, names, {
        action: "approve",
        done: () => "approved: its next network boot installs it",
      });
    });
}
