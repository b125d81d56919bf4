/** `muster confirm` */
import type { Command } from "commander";
import { example } from "./example.ts";
import { onMachines } from "./on-machines.ts";
import type { Session } from "./session.ts";

export function defineConfirm(program: Command, session: Session): void {
  program
    .command("confirm")
    .description("Say that what the registry holds about a held machine is true.")
    .argument("<name...>", "names of machines")
    .addHelpText("after", example("muster confirm kube0"))
    .action(async (names: string[]) => {
      await onMachines(session, names, { action: "confirm", done: () => "confirmed: no longer held" });
    });
}
