/** What a machine's next network boot would get, without any of it happening: for `muster render NAME boot.ipxe`. */
import { NotFoundError } from "../../domain/errors.ts";
import { transition } from "../../domain/lifecycle.ts";
import type { Machine } from "../../domain/machine.ts";
import { TICKET_PREFIX } from "../../domain/ticket.ts";
import { type BootScriptsOptions, createBootScripts } from "./boot-script.ts";
import { MASKED } from "./install-plans.ts";

/**
 * Writes the script that the machine would be served now. Its lifecycle does not move, no ticket is issued (a masked one
 * stands in its place), nothing is pulled and nothing is recorded.
 */
export function createBootPreview(options: BootScriptsOptions): (machine: Machine) => Promise<string> {
  const { assets, clock, limits, registry } = options;
  const scripts = createBootScripts({
    ...options,
    registry: {
      byMac: (mac) => registry.byMac(mac),
      byName: (name) => registry.byName(name),
      noteSighting: () => undefined,
      apply: (name, event) => {
        const machine = registry.byName(name);
        if (!machine) return Promise.reject(new NotFoundError(`there is no machine ${name}`));
        return Promise.resolve(transition(machine, event, { now: clock.now(), limits }));
      },
    },
    tickets: { issue: () => Promise.resolve(TICKET_PREFIX + MASKED) },
    assets: {
      status: (need) => assets.status(need),
      installer: (need) => assets.installer(need),
      ensure: () => undefined,
    },
    events: { record: () => undefined },
  });
  return (machine) => scripts.scriptFor(machine.spec.mac, {});
}
