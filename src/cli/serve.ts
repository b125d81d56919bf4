/** `muster serve` */
import type { Command } from "commander";
import { example } from "./example.ts";
import type { ServeOptions } from "./serve-appliance.ts";
import type { Session } from "./session.ts";

export function defineServe(program: Command, session: Session): void {
  program
    .command("serve")
    .description("Run the appliance in the foreground.")
    .option("--mode <mode>", "DHCP: off, proxy or server")
    .option("--interface <name>", "interface of the boot network")
    .option("--address <address>", "the appliance's address there")
    .option("--data-dir <directory>", "where the appliance keeps its state")
    .option("--log-level <level>", "trace, debug, info, warn or error")
    .option("--set <setting=value>", "any setting, like http.port=8081; may be repeated", append)
    .option("--force", "serve DHCP although another DHCP server answers on this network")
    .addHelpText(
      "after",
      example("muster serve", "muster serve --mode server --interface eth1 --config lab.yaml"),
    )
    .action(async (options: ServeOptions) => {
      const { serveAppliance } = await import("./serve-appliance.ts");
      await serveAppliance(session, options);
    });
}

function append(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
