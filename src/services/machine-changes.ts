/** Who may take which name, MAC and address: the rules of registering and changing machines. Pure. */
import { ConflictError, NotFoundError, TransitionError } from "../domain/errors.ts";
import { transition } from "../domain/lifecycle.ts";
import type { LifecycleEvent, TransitionContext } from "../domain/lifecycle-events.ts";
import { type Machine, macsOf } from "../domain/machine.ts";
import type { MachineSpec } from "../domain/machine-spec.ts";
import type { MachineView } from "./machine-index.ts";

/** The name of a machine that nobody named: `node-525400123401`. */
export function defaultName(mac: string): string {
  return `node-${mac.replaceAll(":", "")}`;
}

/** A machine that nothing has happened to yet. */
export function newMachine(fields: {
  readonly name: string;
  readonly spec: MachineSpec;
  readonly state: "discovered" | "registered";
  readonly now: number;
}): Machine {
  const { name, spec, state, now } = fields;
  return {
    name,
    spec,
    state,
    generation: 0,
    everInstalled: false,
    installAttempts: 0,
    installFinished: false,
    systemDisks: [],
    createdAt: now,
    updatedAt: now,
    revision: 1,
  };
}

/** The machine of this name. @throws NotFoundError */
export function requireMachine(view: MachineView, name: string): Machine {
  const machine = view.byName(name);
  if (!machine) throw new NotFoundError(`there is no machine named ${name}`);
  return machine;
}

/** The machine after an event that a person asked for. @throws TransitionError with the reason of a refusal. */
export function requireTransition(
  machine: Machine,
  event: LifecycleEvent,
  context: TransitionContext,
): Machine {
  const outcome = transition(machine, event, context);
  if (!outcome.ok) throw new TransitionError(`machine ${machine.name}: ${outcome.reason}`);
  return outcome.machine;
}

/**
 * The machines that lose a MAC or address to `name`: only those that were just discovered, or are retired.
 * @throws ConflictError naming the machine that has it.
 */
export function displaced(view: MachineView, name: string, spec: MachineSpec): readonly Machine[] {
  const owners = [
    ...macsOf(spec).map((mac) => ({ what: `the MAC ${mac}`, owner: view.byMac(mac) })),
    ...(spec.address === undefined
      ? []
      : [{ what: `the address ${spec.address}`, owner: view.byAddress(spec.address) }]),
  ];
  const others = new Map<string, Machine>();
  for (const { what, owner } of owners) {
    if (!owner || owner.name === name) continue;
    if (owner.state !== "discovered" && owner.state !== "retired") {
      throw new ConflictError(`${what} belongs to machine ${owner.name}`);
    }
    others.set(owner.name, owner);
  }
  return [...others.values()];
}
