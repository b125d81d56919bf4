/** Machines that nobody registered and that turn up by themselves: kept as `discovered`, for a person to approve. */

import type { Machine, Sighting } from "../domain/machine.ts";
import { machineSpecSchema } from "../domain/machine-spec.ts";
import { isStationMac } from "../net/mac.ts";
import { defaultName, newMachine } from "./machine-changes.ts";
import type { MachineWriter } from "./machine-writer.ts";
import type { Clock, EventSink, Log } from "./ports.ts";
import { withSighting } from "./sightings.ts";

/** A flood of invented MACs must not fill the registry. */
const DISCOVERED_KEPT = 1024;

export interface DiscoveryOptions {
  readonly writer: MachineWriter;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
}

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #noted = new Set<string>();

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** Keeps the machine behind a MAC, once; beyond a bound further ones are only shown as unknown. */
  note(sighting: Sighting): void {
    const { mac } = sighting;
    if (!isStationMac(mac)) return;
    if (this.#noted.size >= DISCOVERED_KEPT || this.#noted.has(mac)) return;
    this.#noted.add(mac);
    this.#add(sighting).catch((error: unknown) => {
      this.#noted.delete(mac);
      this.#options.log.warn({ err: error, mac }, "a discovered machine could not be kept");
    });
  }

  /** Takes notice of a machine as it is now: only those still waiting for approval count against the bound. */
  follow(machine: Machine, present: "kept" | "removed"): void {
    if (present === "kept" && machine.state === "discovered") this.#noted.add(machine.spec.mac);
    else this.#noted.delete(machine.spec.mac);
  }

  async #add(sighting: Sighting): Promise<void> {
    const { writer, clock, events } = this.#options;
    const { mac } = sighting;
    const name = defaultName(mac);
    const added = await writer.write((draft) => {
      if (draft.byMac(mac) ?? draft.byName(name)) return undefined;
      const spec = machineSpecSchema.parse({ mac });
      const machine = withSighting(
        newMachine({ name, spec, state: "discovered", now: clock.now() }),
        sighting,
      );
      draft.put(machine);
      return machine;
    });
    if (!added) return;
    events.record({
      type: "discovered",
      machine: name,
      mac,
      source: "dhcp",
      message: `discovered by its MAC ${mac}`,
    });
  }
}
