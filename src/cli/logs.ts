/** `muster logs` */
import type { Command } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import type { LogLineView } from "../adapters/client/resources.ts";
import { logLine } from "./event-columns.ts";
import { example } from "./example.ts";
import { Interrupted } from "./exit.ts";
import { follow } from "./follow.ts";
import type { Session } from "./session.ts";

interface Options {
  readonly generation?: string;
  readonly limit: string;
  readonly follow?: boolean;
}

export function defineLogs(program: Command, session: Session): void {
  program
    .command("logs")
    .description("Show what a machine's installer logged.")
    .argument("<name>", "name of a machine")
    .option("-g, --generation <number>", "of this installation (default: the newest)")
    .option("-n, --limit <count>", "the newest so many lines", "1000")
    .option("-f, --follow", "go on with what it logs now")
    .addHelpText("after", example("muster logs kube0", "muster logs kube0 -f"))
    .action(async (name: string, options: Options) => {
      const client = await session.client();
      const { generation, limit } = options;
      const path = ["machines", name, "logs"];
      const page = await client.get<{ readonly items: readonly LogLineView[] }>(
        apiPath(path, { generation, limit }),
      );
      const show = (line: LogLineView): void =>
        session.data(
          session.options.output === "table" ? logLine(line, session.style) : JSON.stringify(line),
        );
      if (options.follow !== true) {
        if (page.items.length === 0) session.say(`${name} has logged nothing`);
        if (!(await session.printWhole(page.items))) for (const line of page.items) show(line);
        return;
      }
      for (const line of page.items) show(line);
      const last = page.items.at(-1)?.id;
      await follow<LogLineView>(session, client, {
        path: (after) => apiPath(path, { follow: 1, generation, after: after ?? last ?? 0 }),
        onItem: show,
      });
      throw new Interrupted("interrupted");
    });
}
