/** `muster reimage` */
import type { Command } from "commander";
import { confirmed } from "./ask.ts";
import { example } from "./example.ts";
import { onMachines } from "./on-machines.ts";
import type { Session } from "./session.ts";

interface Options {
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly wait?: boolean;
}

export function defineReimage(program: Command, session: Session): void {
  program
    .command("reimage")
    .description("Install machines again, guarded. What is on their system disks is lost.")
    .argument("<name...>", "names of machines")
    .option("-y, --yes", "do not ask")
    .option("--force", "even though the machine is at work or was never reported installed")
    .option("-w, --wait", "show progress until they are installed")
    .addHelpText("after", example("muster reimage kube7", "muster reimage kube7 --yes --wait"))
    .action(async (names: string[], options: Options) => {
      const question = `Reimage ${names.join(", ")}? Everything on the system disk is lost.`;
      await confirmed(session, { question, yes: options.yes });
      const machines = await onMachines(session, names, {
        action: "reimage",
        body: { force: options.force === true },
        done: ({ state, generation }) =>
          state === "draining"
            ? "is drained and taken out of its cluster first; power-cycle it once it is registered again"
            : `registered again; power-cycle it to begin installation ${generation}`,
      });
      if (options.wait !== true) return;
      const { waitInstalled } = await import("./wait-installed.ts");
      await waitInstalled(session, machines);
    });
}
