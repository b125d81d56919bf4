/** `muster delete` */
import { Argument, type Command } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import type { ApplyPlanView } from "../adapters/client/resources.ts";
import { confirmed } from "./ask.ts";
import { example } from "./example.ts";
import type { Session } from "./session.ts";

export function defineDelete(program: Command, session: Session): void {
  program
    .command("delete")
    .description(
      "Drop a document that was applied, and the machines that only it describes. None of them may be in use.",
    )
    .addArgument(new Argument("<kind>", "what to delete").choices(["cluster", "profile", "machine"]))
    .argument("<name>", "its name")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", example("muster delete machine kube9", "muster delete cluster lab --yes"))
    .action(async (kind: string, name: string, { yes }: { readonly yes?: boolean }) => {
      await confirmed(session, { question: `Delete ${kind} ${name}?`, yes });
      const client = await session.client();
      const plan = await client.send<ApplyPlanView>("DELETE", apiPath(["resources", kind, name]));
      const { printPlan } = await import("./plan-text.ts");
      await printPlan(session, plan, { nothing: "nothing changed" });
    });
}
