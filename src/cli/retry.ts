/** `muster retry` */
import type { Command } from "commander";
import { example } from "./example.ts";
import { onMachines } from "./on-machines.ts";
import type { Session } from "./session.ts";

export function defineRetry(program: Command, session: Session): void {
  program
    .command("retry")
    .description("Try a failed installation once more.")
    .argument("<name...>", "names of machines")
    .addHelpText("after", example("muster retry kube0"))
    .action(async (names: string[]) => {
      await onMachines(session, names, {
        action: "retry",
        done: () => "registered again: its next network boot installs it",
      });
    });
}
