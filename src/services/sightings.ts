/**
 * Evidence from the network: the last sighting of every known machine, written now and then rather than per packet,
 * and the MACs that nobody registered, the newest few hundred.
 */
import type { Machine, Sighting } from "../domain/machine.ts";
import type { UnknownMachine } from "./registry.ts";

const UNKNOWN_KEPT = 512;

export class Sightings {
  readonly #known = new Map<string, Sighting>();
  readonly #nameByAddress = new Map<string, string>();
  readonly #addressByName = new Map<string, string>();
  readonly #unknown = new Map<string, UnknownMachine>();

  /** Notes a sighting of a machine, to be written later; details of earlier ones that it lacks are kept. */
  noteKnown(name: string, sighting: Sighting): void {
    this.#known.set(name, { ...this.#known.get(name), ...sighting });
    if (sighting.address !== undefined) this.noteAddress(name, sighting.address);
  }

  /** Notes where a machine is: the last one seen at an address has it. */
  noteAddress(name: string, address: string): void {
    const before = this.#addressByName.get(name);
    if (before !== undefined && this.#nameByAddress.get(before) === name) this.#nameByAddress.delete(before);
    this.#addressByName.set(name, address);
    this.#nameByAddress.set(address, name);
  }

  /** The name of the machine that was last seen at an address. */
  nameAt(address: string): string | undefined {
    return this.#nameByAddress.get(address);
  }

  /** Notes a sighting of a MAC that nobody registered. */
  noteUnknown(sighting: Sighting): UnknownMachine {
    const before = this.#unknown.get(sighting.mac);
    const entry: UnknownMachine = {
      sighting: { ...before?.sighting, ...sighting },
      firstSeenAt: before?.firstSeenAt ?? sighting.at,
      count: (before?.count ?? 0) + 1,
    };
    // Deleting first moves it to the end: the map stays ordered by last sighting.
    this.#unknown.delete(sighting.mac);
    this.#unknown.set(sighting.mac, entry);
    if (this.#unknown.size > UNKNOWN_KEPT) {
      const [oldest] = this.#unknown.keys();
      if (oldest !== undefined) this.#unknown.delete(oldest);
    }
    return entry;
  }

  /** MACs that nobody registered, newest first. */
  unknown(): readonly UnknownMachine[] {
    return [...this.#unknown.values()].reverse();
  }

  /** Forgets a machine. */
  forget(name: string): void {
    this.#known.delete(name);
    const address = this.#addressByName.get(name);
    this.#addressByName.delete(name);
    if (address !== undefined && this.#nameByAddress.get(address) === name)
      this.#nameByAddress.delete(address);
  }

  /** Forgets MACs that belong to somebody now. */
  adopt(macs: readonly string[]): void {
    for (const mac of macs) this.#unknown.delete(mac);
  }

  /** What was seen since the last call, by machine name. */
  take(): ReadonlyMap<string, Sighting> {
    const taken = new Map(this.#known);
    this.#known.clear();
    return taken;
  }

  get pending(): boolean {
    return this.#known.size > 0;
  }
}

/** The machine with what was seen of it now; the same machine when that says nothing new. Not a revision: evidence only. */
export function withSighting(machine: Machine, sighting: Sighting): Machine {
  const seen = { ...machine.seen, ...sighting };
  return { ...machine, seen };
}
