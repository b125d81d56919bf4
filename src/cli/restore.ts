/** `muster restore` */
import type { Command } from "commander";
import { confirmed } from "./ask.ts";
import { example } from "./example.ts";
import type { RestoreOptions } from "./restore-state.ts";
import type { Session } from "./session.ts";

export function defineRestore(program: Command, session: Session): void {
  program
    .command("restore")
    .description(
      "Put a backup in the place of this host's state, while the appliance is stopped. Every machine is held until it is confirmed.",
    )
    .argument("<file>", "a file that `muster backup` wrote")
    .option("--data-dir <directory>", "where the appliance keeps its state")
    .option("--replace", "put the state that is there aside first")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      example("systemctl stop muster && muster restore --replace muster.backup && systemctl start muster"),
    )
    .action(async (file: string, options: RestoreOptions & { readonly yes?: boolean }) => {
      const question = `Put the state of ${file} in the place of this appliance's?`;
      await confirmed(session, { question, yes: options.yes });
      const { restoreState } = await import("./restore-state.ts");
      await restoreState(session, file, options);
    });
}
