/** Machines in memory, found by name, by every MAC, and by reserved address. */
import { type Machine, macsOf } from "../domain/machine.ts";

/** Where a change looks before it is made: the machines as they will be. */
export interface MachineView {
  byName(name: string): Machine | undefined;
  byMac(mac: string): Machine | undefined;
  byAddress(address: string): Machine | undefined;
}

export class MachineIndex implements MachineView {
  readonly #byName = new Map<string, Machine>();
  readonly #byMac = new Map<string, Machine>();
  readonly #byAddress = new Map<string, Machine>();

  /** All machines, by name. */
  list(): readonly Machine[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get size(): number {
    return this.#byName.size;
  }

  byName(name: string): Machine | undefined {
    return this.#byName.get(name);
  }

  byMac(mac: string): Machine | undefined {
    return this.#byMac.get(mac);
  }

  byAddress(address: string): Machine | undefined {
    return this.#byAddress.get(address);
  }

  /** Adds a machine or replaces the one of this name. */
  put(machine: Machine): void {
    const before = this.#byName.get(machine.name);
    this.#byName.set(machine.name, machine);
    if (before && before.spec !== machine.spec) this.#forget(before);
    for (const mac of macsOf(machine.spec)) this.#byMac.set(mac, machine);
    if (machine.spec.address !== undefined) this.#byAddress.set(machine.spec.address, machine);
  }

  /** Forgets a machine; returns what it was. */
  remove(name: string): Machine | undefined {
    const machine = this.#byName.get(name);
    if (!machine) return undefined;
    this.#byName.delete(name);
    this.#forget(machine);
    return machine;
  }

  // Another machine may have taken over a MAC in the same commit.
  #forget(machine: Machine): void {
    for (const mac of macsOf(machine.spec)) {
      if (this.#byMac.get(mac)?.name === machine.name) this.#byMac.delete(mac);
    }
    const { address } = machine.spec;
    if (address !== undefined && this.#byAddress.get(address)?.name === machine.name)
      this.#byAddress.delete(address);
  }
}
