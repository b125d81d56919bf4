/** `muster watch` */
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { type ApiClient, apiPath } from "../adapters/client/api-client.ts";
import { UnreachableError } from "../adapters/client/api-error.ts";
import type { EventView, MachineView } from "../adapters/client/resources.ts";
import { eventLine } from "./event-columns.ts";
import { printEvent } from "./events.ts";
import { example } from "./example.ts";
import { Interrupted } from "./exit.ts";
import { follow } from "./follow.ts";
import { machineColumns } from "./machine-columns.ts";
import type { Session } from "./session.ts";
import { tableLines } from "./table.ts";

const REDRAW_MS = 1000;
const RECENT_EVENTS = 8;
const HOME_AND_CLEAR = "\u001b[H\u001b[J";
const ALTERNATE_SCREEN = { enter: "\u001b[?1049h\u001b[?25l", leave: "\u001b[?25h\u001b[?1049l" };

export function defineWatch(program: Command, session: Session): void {
  program
    .command("watch")
    .description("Watch all machines live: a table on a terminal, one line per event elsewhere.")
    .addHelpText("after", example("muster watch", "muster watch | tee install.log"))
    .action(async () => {
      const client = await session.client();
      const onScreen = session.terminal.stdout.isTTY === true && session.options.output === "table";
      await (onScreen ? watchOnScreen(session, client) : watchInLines(session, client));
      throw new Interrupted("interrupted");
    });
}

async function watchInLines(session: Session, client: ApiClient): Promise<void> {
  await follow<EventView>(session, client, {
    path: (after) => apiPath(["events"], { follow: 1, after }),
    onItem: (event) => printEvent(session, event),
  });
}

async function watchOnScreen(session: Session, client: ApiClient): Promise<void> {
  const { stdout, interrupted } = session.terminal;
  // Fails here, before the screen is taken over, when there is no appliance.
  await client.list<MachineView>(["machines"]);
  stdout.write(ALTERNATE_SCREEN.enter);
  try {
    while (!interrupted.aborted) {
      stdout.write(`${HOME_AND_CLEAR}${(await frame(session, client)).join("\n")}`);
      await sleep(REDRAW_MS, undefined, { signal: interrupted }).catch(() => undefined);
    }
  } finally {
    stdout.write(ALTERNATE_SCREEN.leave);
  }
}

/** One picture: counts, the table, the newest events, cut to the terminal's height. */
async function frame(session: Session, client: ApiClient): Promise<readonly string[]> {
  const { style, terminal } = session;
  try {
    const machines = await client.list<MachineView>(["machines"]);
    const events = await client.get<{ readonly items: readonly EventView[] }>(
      apiPath(["events"], { limit: RECENT_EVENTS }),
    );
    const height = Math.max(4, (terminal.stdout.rows ?? 24) - RECENT_EVENTS - 4);
    const table = tableLines(machines, machineColumns(style, Date.now()));
    const hidden = table.length - height;
    return [
      style.bold(summary(machines)),
      ...table.slice(0, height),
      ...(hidden > 0 ? [style.dim(`… and ${hidden} more`)] : []),
      "",
      ...events.items.map((event) => eventLine(event, style)),
    ];
  } catch (error) {
    if (error instanceof UnreachableError) return [style.bad(error.message), error.hint, "", "trying again"];
    throw error;
  }
}

function summary(machines: readonly MachineView[]): string {
  const counts = new Map<string, number>();
  for (const { state } of machines) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  const count = machines.length === 1 ? "1 machine" : `${machines.length} machines`;
  return `${count}${states === "" ? "" : `: ${states}`}   (Ctrl-C ends)`;
}
