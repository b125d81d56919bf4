/** `muster cluster addons` */
import type { Command } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import type { AddonStatusView } from "../adapters/client/resources.ts";
import { example } from "./example.ts";
import { NegativeResult } from "./exit.ts";
import type { Session } from "./session.ts";
import { printable } from "./table.ts";

export function defineClusterAddons(group: Command, session: Session): void {
  group
    .command("addons")
    .description("Tell how a cluster's pod network and add-ons stand; exit code 1 when one is not ready.")
    .argument("<name>", "name of the cluster")
    .addHelpText("after", example("muster cluster addons lab"))
    .action(async (name: string) => {
      const client = await session.client();
      const path = apiPath(["clusters", name, "addons"]);
      const { items } = await client.get<{ readonly items: readonly AddonStatusView[] }>(path);
      const { style } = session;
      await session.print(items, [
        { title: "NAME", of: (addon) => addon.name },
        { title: "VERSION", of: (addon) => addon.version },
        {
          title: "STATE",
          of: ({ state }) => (state === "ready" ? style.good(state) : style.bad(state)),
        },
        { title: "DETAIL", of: (addon) => printable(detailOf(addon)) },
      ]);
      if (items.some(({ state }) => state !== "ready")) throw new NegativeResult("not all are ready");
    });
}

function detailOf(addon: AddonStatusView): string {
  switch (addon.state) {
    case "ready":
      return "";
    case "starting":
      return `waits for ${addon.missing.join(", ")}`;
    case "waiting":
    case "failed":
      return addon.reason;
  }
}
