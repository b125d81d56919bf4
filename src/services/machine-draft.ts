/** Changes to machines that are decided but not yet durable, laid over the machines as they are. */
import { type Machine, macsOf } from "../domain/machine.ts";
import type { MachineView } from "./machine-index.ts";
import type { RegistryChange } from "./registry.ts";
import type { MachineChange, ResourceChange } from "./store.ts";

export class MachineDraft implements MachineView {
  readonly #base: MachineView;
  /** Undefined marks a removal. */
  readonly #changed = new Map<string, Machine | undefined>();
  readonly #resources: ResourceChange[] = [];

  constructor(base: MachineView) {
    this.#base = base;
  }

  byName(name: string): Machine | undefined {
    return this.#changed.has(name) ? this.#changed.get(name) : this.#base.byName(name);
  }

  byMac(mac: string): Machine | undefined {
    return this.#find(this.#base.byMac(mac), (machine) =>
      (macsOf(machine.spec) as readonly string[]).includes(mac),
    );
  }

  byAddress(address: string): Machine | undefined {
    return this.#find(this.#base.byAddress(address), ({ spec }) => spec.address === address);
  }

  put(machine: Machine): void {
    this.#changed.set(machine.name, machine);
  }

  remove(name: string): void {
    this.#changed.set(name, undefined);
  }

  /** Resource documents to be written in the same commit. */
  stage(resources: readonly ResourceChange[]): void {
    this.#resources.push(...resources);
  }

  get empty(): boolean {
    return this.#changed.size === 0 && this.#resources.length === 0;
  }

  resources(): readonly ResourceChange[] {
    return this.#resources;
  }

  /** What the store is to make durable: removals first, so that a MAC may pass from one machine to another. */
  changes(): readonly MachineChange[] {
    const removed = [...this.#changed].filter(([name, machine]) => !machine && this.#base.byName(name));
    const saved = [...this.#changed.values()].filter((machine) => machine !== undefined);
    return [
      ...removed.map(([name]) => ({ kind: "remove" as const, name })),
      ...saved.map((machine) => {
        return { kind: "save" as const, machine, previous: this.#base.byName(machine.name)?.revision };
      }),
    ];
  }

  /** What subscribers are to hear. */
  news(): readonly RegistryChange[] {
    return [...this.#changed].flatMap(([name, machine]): RegistryChange[] => {
      const before = this.#base.byName(name);
      if (machine) return [{ kind: "changed", machine, before }];
      return before ? [{ kind: "removed", machine: before }] : [];
    });
  }

  #find(based: Machine | undefined, fits: (machine: Machine) => boolean): Machine | undefined {
    for (const machine of this.#changed.values()) if (machine && fits(machine)) return machine;
    return based && this.#changed.has(based.name) ? undefined : based;
  }
}
