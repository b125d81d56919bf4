/** `muster assets pull` */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../adapters/client/api-client.ts";
import type { PullView } from "../adapters/client/resources.ts";
import { Interrupted, NegativeResult } from "./exit.ts";
import type { Session } from "./session.ts";
import { printable } from "./table.ts";

const POLL_MS = 500;
const BAR_WIDTH = 30;

/**
 * Starts each pull and shows it until it has ended.
 * @throws NegativeResult when one ended without the assets, Interrupted when the user ends the wait; the appliance
 * goes on pulling then.
 */
export async function pullAssets(
  session: Session,
  systems: readonly string[],
  architecture: string,
): Promise<void> {
  const client = await session.client();
  const done: PullView[] = [];
  for (const os of systems) done.push(await pullOne(session, client, { os, architecture }));
  await session.printWhole(done);
  if (done.some((pull) => pull.status.kind !== "ready")) throw new NegativeResult("not everything is there");
}

async function pullOne(
  session: Session,
  client: ApiClient,
  need: { readonly os: string; readonly architecture: string },
): Promise<PullView> {
  const { stderr, interrupted } = session.terminal;
  const onScreen = stderr.isTTY === true && session.options.quiet !== true;
  let said = "";
  for (;;) {
    const pull = await client.send<PullView>("POST", "assets/pull", need);
    const { status } = pull;
    if (status.kind !== "pulling") {
      if (onScreen && said !== "") stderr.write("\r\u001b[K");
      if (status.kind === "ready") session.say(`${need.os} ${need.architecture}: ready`);
      else stderr.write(`muster: ${need.os} ${need.architecture}: ${printable(status.reason)}\n`);
      return pull;
    }
    if (onScreen) stderr.write(`\r\u001b[K${bar(status.progress)} ${need.os}: ${printable(status.what)}`);
    else if (status.what !== said) session.say(`${need.os} ${need.architecture}: ${printable(status.what)}`);
    said = status.what;
    await sleep(POLL_MS, undefined, { signal: interrupted }).catch(() => undefined);
    if (interrupted.aborted) {
      session.say("\nthe appliance goes on pulling; ask again with the same command");
      throw new Interrupted("interrupted");
    }
  }
}

/** `progress` runs from 0 to 1. */
function bar(progress: number): string {
  const done = Math.round(Math.min(1, Math.max(0, progress)) * BAR_WIDTH);
  const percent = String(Math.round(progress * 100)).padStart(3);
  return `[${"#".repeat(done)}${".".repeat(BAR_WIDTH - done)}] ${percent}%`;
}
