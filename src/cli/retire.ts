/** `muster retire` */
import type { Command } from "commander";
import { confirmed } from "./ask.ts";
import { example } from "./example.ts";
import { onMachines } from "./on-machines.ts";
import type { Session } from "./session.ts";

export function defineRetire(program: Command, session: Session): void {
  program
    .command("retire")
    .description(
      "Take machines out of service: the appliance boots them from their own disk and installs them no more.",
    )
    .argument("<name...>", "names of machines")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", example("muster retire kube7 --yes"))
    .action(async (names: string[], options: { readonly yes?: boolean }) => {
      await confirmed(session, { question: `Retire ${names.join(", ")}?`, yes: options.yes });
      await onMachines(session, names, { action: "retire", done: () => "retired" });
    });
}
