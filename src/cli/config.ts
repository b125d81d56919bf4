/** `muster config` */
import type { Command } from "commander";
import { example } from "./example.ts";
import { EXIT } from "./exit.ts";
import type { Session } from "./session.ts";

export function defineConfig(program: Command, session: Session): void {
  const config = program
    .command("config")
    .description("Check and show the configuration.")
    .addHelpText("after", example("muster config check", "muster config show --origins"));
  config
    .command("check")
    .description(
      `Check the configuration and name every fault with its place; exit code ${EXIT.badConfig} when there are any.`,
    )
    .addHelpText("after", example("muster config check", "muster config check --config rack.yaml -o json"))
    .action(async () => {
      const { checkConfig } = await import("./config-check.ts");
      await checkConfig(session);
    });
  config
    .command("show")
    .description("Print the effective configuration, secrets masked.")
    .option("--origins", "every setting with where its value comes from")
    .addHelpText("after", example("muster config show", "muster config show --origins | grep dhcp"))
    .action(async (options: { readonly origins?: boolean }) => {
      const { showConfig, showOrigins } = await import("./config-show.ts");
      await (options.origins === true ? showOrigins(session) : showConfig(session));
    });
}
