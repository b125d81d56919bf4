/** One action on several machines: each is tried, each result is told, one failure makes the command fail. */
import { apiPath } from "../adapters/client/api-client.ts";
import type { MachineView } from "../adapters/client/resources.ts";
import { failureLines, NegativeResult } from "./exit.ts";
import type { Session } from "./session.ts";

export interface MachineAction {
  /** The last part of `POST machines/{name}/{action}`. */
  readonly action: string;
  readonly body?: unknown;
  /** Said on success, after the machine's name. */
  readonly done: (machine: MachineView) => string;
}

/**
 * Posts the action for each name in turn and returns the machines it was done to.
 * @throws NegativeResult after all were tried, when any failed.
 */
export async function onMachines(
  session: Session,
  names: readonly string[],
  { action, body, done }: MachineAction,
): Promise<readonly MachineView[]> {
  const client = await session.client();
  const machines: MachineView[] = [];
  const errors: unknown[] = [];
  for (const name of names) {
    try {
      const machine = await client.send<MachineView>("POST", apiPath(["machines", name, action]), body ?? {});
      machines.push(machine);
      session.say(`${name}: ${done(machine)}`);
    } catch (error) {
      errors.push(error);
      if (names.length > 1)
        for (const line of failureLines(error)) session.terminal.stderr.write(`${line}\n`);
    }
  }
  if (names.length === 1 && errors.length === 1) throw errors[0];
  await session.printWhole(names.length === 1 ? machines[0] : machines);
  if (errors.length > 0) throw new NegativeResult(`${errors.length} of ${names.length} failed`);
  return machines;
}
