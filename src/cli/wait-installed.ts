/** Shows how machines get from registered to installed. */
import { setTimeout as sleep } from "node:timers/promises";
import { apiPath } from "../adapters/client/api-client.ts";
import type { MachineView } from "../adapters/client/resources.ts";
import { Interrupted, NegativeResult } from "./exit.ts";
import type { Session } from "./session.ts";
import { printable } from "./table.ts";

const POLL_MS = 1000;
const BAR_WIDTH = 24;
const DONE = new Set(["installed", "preparing", "waiting", "joining", "ready"]);
const DEAD_ENDS = new Set(["failed", "retired"]);

/**
 * Waits until every machine is installed. On a terminal one line is redrawn; elsewhere each change is a line.
 * @throws NegativeResult when a machine fails or is retired instead, Interrupted when the user ends the wait.
 */
export async function waitInstalled(session: Session, machines: readonly MachineView[]): Promise<void> {
  const client = await session.client();
  const progress = progressFor(session);
  const pending = new Map(machines.map((machine) => [machine.name, comingGeneration(machine)]));
  const lost: string[] = [];
  while (pending.size > 0) {
    const now: MachineView[] = [];
    for (const name of pending.keys()) now.push(await client.get<MachineView>(apiPath(["machines", name])));
    progress.show(now);
    for (const machine of now) {
      const end = endOf(machine, pending.get(machine.name) ?? 0);
      if (end === undefined) continue;
      pending.delete(machine.name);
      if (end !== "installed") lost.push(`${machine.name}: ${printable(end)}`);
    }
    if (pending.size === 0) break;
    await sleep(POLL_MS, undefined, { signal: session.terminal.interrupted }).catch(() => undefined);
    if (session.terminal.interrupted.aborted) {
      progress.end();
      throw new Interrupted("interrupted");
    }
  }
  progress.end();
  if (lost.length === 0) return;
  for (const line of lost) session.terminal.stderr.write(`muster: ${line}\n`);
  throw new NegativeResult("not all were installed");
}

/** The generation in which a machine will be installed: one that leaves its cluster first gets the next one. */
function comingGeneration({ state, generation }: MachineView): number {
  return state === "draining" || state === "removing" ? generation + 1 : generation;
}

/** `installed`, or why it never will be; undefined while it is on its way. */
function endOf({ state, generation, failure }: MachineView, wanted: number): string | undefined {
  if (DEAD_ENDS.has(state)) return failure?.reason ?? state;
  if (!DONE.has(state)) return undefined;
  return generation < wanted ? "its reimage was given up; `muster events` tells why" : "installed";
}

interface Progress {
  show(machines: readonly MachineView[]): void;
  end(): void;
}

function progressFor(session: Session): Progress {
  const { stderr } = session.terminal;
  if (session.options.quiet === true) return { show: () => undefined, end: () => undefined };
  if (stderr.isTTY === true) {
    return {
      show: (machines) =>
        stderr.write(`\r\u001b[K${machines.map(barOf).join("  ")}`.slice(0, stderr.columns ?? 100)),
      end: () => stderr.write("\n"),
    };
  }
  const last = new Map<string, string>();
  return {
    show: (machines) => {
      for (const machine of machines) {
        const line = stepOf(machine);
        if (last.get(machine.name) !== line) session.say(`${machine.name}: ${line}`);
        last.set(machine.name, line);
      }
    },
    end: () => undefined,
  };
}

function barOf(machine: MachineView): string {
  const done = Math.round(((machine.progress ?? 0) / 100) * BAR_WIDTH);
  return `${machine.name} [${"#".repeat(done)}${".".repeat(BAR_WIDTH - done)}] ${stepOf(machine)}`;
}

function stepOf(machine: MachineView): string {
  return machine.state === "installing" && machine.stage !== undefined
    ? `installing, ${printable(machine.stage)}`
    : machine.state;
}
