/** `muster assets` */
import type { Command } from "commander";
import type { AssetView } from "../adapters/client/resources.ts";
import { example } from "./example.ts";
import { ASSET_COLUMNS, printList } from "./get.ts";
import type { Session } from "./session.ts";

export function defineAssets(program: Command, session: Session): void {
  const assets = program
    .command("assets")
    .description("Fetch, list and check what machines boot from.")
    .addHelpText("after", example("muster assets pull debian-13", "muster assets verify"));
  assets
    .command("pull")
    .description(
      "Fetch an operating system's installer and the network boot programs, or a Kubernetes release with its images; verified down to each file.",
    )
    .argument("<name...>", "like debian-13 or kubernetes-1.36.3")
    .option("--arch <architecture>", "amd64 or arm64", "amd64")
    .addHelpText(
      "after",
      example("muster assets pull debian-13", "muster assets pull kubernetes-1.36.3 --arch arm64"),
    )
    .action(async (systems: string[], options: { readonly arch: string }) => {
      const { pullAssets } = await import("./assets-pull.ts");
      await pullAssets(session, systems, options.arch);
    });
  assets
    .command("list")
    .description("List what was fetched.")
    .addHelpText("after", example("muster assets list"))
    .action(async () => {
      const rows = await (await session.client()).list<AssetView>(["assets"]);
      const none = "no assets; `muster assets pull debian-13` fetches some";
      await printList(session, { rows, columns: ASSET_COLUMNS, none });
    });
  assets
    .command("verify")
    .description("Compare every file with the checksum it was fetched by.")
    .addHelpText("after", example("muster assets verify"))
    .action(async () => {
      const { verifyAssets } = await import("./assets-verify.ts");
      await verifyAssets(session);
    });
}
