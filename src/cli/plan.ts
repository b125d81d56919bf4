/** `muster plan` */
import type { Command } from "commander";
import { requestPlan } from "./apply.ts";
import { example } from "./example.ts";
import type { Session } from "./session.ts";

export function definePlan(program: Command, session: Session): void {
  program
    .command("plan")
    .description(
      "Show what applying documents would change, and what each machine would boot, install, wipe and join.",
    )
    .requiredOption("-f, --file <file...>", "YAML files or directories of them; - is standard input")
    .addHelpText("after", example("muster plan -f cluster.yaml", "muster plan -f rack/ -o json"))
    .action(async ({ file }: { readonly file: readonly string[] }) => {
      const { printPlan } = await import("./plan-text.ts");
      const plan = await requestPlan(session, { files: file, dryRun: true });
      await printPlan(session, plan, { nothing: "nothing would change" });
    });
}
