/** `muster boot` */
import { Argument, type Command } from "commander";
import { example } from "./example.ts";
import { onMachines } from "./on-machines.ts";
import type { Session } from "./session.ts";

export function defineBoot(program: Command, session: Session): void {
  program
    .command("boot")
    .description("Say what a machine's next network boot gets, once.")
    .argument("<name>", "name of a machine")
    .addArgument(
      new Argument("<what>", "its disk, a rescue system, the installer, or what its state says").choices([
        "local",
        "rescue",
        "install",
        "normal",
      ]),
    )
    .addHelpText("after", example("muster boot kube0 rescue", "muster boot kube0 normal    takes it back"))
    .action(async (name: string, what: string) => {
      await onMachines(session, [name], {
        action: "boot",
        body: { target: what === "normal" ? null : what },
        done: () =>
          what === "normal" ? "its next boot follows its state" : `its next network boot is ${what}`,
      });
    });
}
