/** `muster events` */
import type { Command } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import type { EventView } from "../adapters/client/resources.ts";
import { eventColumns, eventLine } from "./event-columns.ts";
import { example } from "./example.ts";
import { Interrupted } from "./exit.ts";
import { follow } from "./follow.ts";
import { newestEvents, printList } from "./get.ts";
import type { Session } from "./session.ts";

interface Options {
  readonly machine?: string;
  readonly limit: string;
  readonly follow?: boolean;
}

export function defineEvents(program: Command, session: Session): void {
  program
    .command("events")
    .description("Show the timeline: what happened, when, and who caused it.")
    .option("-m, --machine <name>", "of this machine only")
    .option("-n, --limit <count>", "the newest so many", "50")
    .option("-f, --follow", "go on with what happens now")
    .addHelpText("after", example("muster events", "muster events -m kube0 -f"))
    .action(async (options: Options) => {
      const client = await session.client();
      const query = {
        limit: options.limit,
        ...(options.machine !== undefined && { machine: options.machine }),
      };
      const rows = await newestEvents(client, query);
      if (options.follow !== true) {
        return printList(session, { rows, columns: eventColumns(session.style), none: "no events" });
      }
      for (const event of rows) printEvent(session, event);
      const last = rows.at(-1)?.id;
      await follow<EventView>(session, client, {
        path: (after) =>
          apiPath(["events"], { follow: 1, machine: options.machine, after: after ?? last ?? 0 }),
        onItem: (event) => printEvent(session, event),
      });
      throw new Interrupted("interrupted");
    });
}

/** One event on stdout: a line for people, or one line of JSON. */
export function printEvent(session: Session, event: EventView): void {
  session.data(session.options.output === "table" ? eventLine(event, session.style) : JSON.stringify(event));
}
