/** `muster render` */
import type { Command } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import { example } from "./example.ts";
import type { Session } from "./session.ts";

export function defineRender(program: Command, session: Session): void {
  program
    .command("render")
    .description(
      "Print exactly what a machine would be served, without a ticket and with its secrets left out.",
    )
    .argument("<name>", "name of a machine")
    .argument("<document>", "boot.ipxe, preseed.cfg, user-data, meta-data, …")
    .addHelpText("after", example("muster render kube0 preseed.cfg", "muster render kube0 boot.ipxe"))
    .action(async (name: string, document: string) => {
      const client = await session.client();
      const text = await client.text(apiPath(["machines", name, "render", document]));
      session.terminal.stdout.write(text);
    });
}
