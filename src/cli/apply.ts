/** `muster apply` */
import type { Command } from "commander";
import type { ApplyPlanView } from "../adapters/client/resources.ts";
import { example } from "./example.ts";
import type { Session } from "./session.ts";

interface Options {
  readonly file: readonly string[];
  readonly dryRun?: boolean;
}

export function defineApply(program: Command, session: Session): void {
  program
    .command("apply")
    .description("Make documents of clusters, profiles and machines true: all of them, or none.")
    .requiredOption("-f, --file <file...>", "YAML files or directories of them; - is standard input")
    .option("--dry-run", "only say what would be done, as `muster plan` does")
    .addHelpText("after", example("muster apply -f examples/minimal.yaml", "muster apply -f rack/ --dry-run"))
    .action(async (options: Options) => {
      const { printPlan } = await import("./plan-text.ts");
      const plan = await requestPlan(session, { files: options.file, dryRun: options.dryRun === true });
      await printPlan(session, plan, { nothing: "nothing changed: it is all so already" });
      if (plan.applied && plan.machines.some(({ action }) => action === "register"))
        session.say(
          "power the machines on and let them boot from the network; `muster watch` shows what happens",
        );
    });
}

/** Sends documents and returns what they do. @throws UsageError for files that cannot be read, ApiError with every fault */
export async function requestPlan(
  session: Session,
  { files, dryRun }: { readonly files: readonly string[]; readonly dryRun: boolean },
): Promise<ApplyPlanView> {
  const { readResourceFiles } = await import("./resource-files.ts");
  const texts = await readResourceFiles(session.terminal, files);
  return (await session.client()).send<ApplyPlanView>("POST", "apply", { files: texts, dryRun });
}
