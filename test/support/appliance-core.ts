/** The services around the registry, wired over memory: what a machine's whole life needs, without a network. */
import type { Machine } from "../../src/domain/machine.ts";
import { Events } from "../../src/services/events.ts";
import { createInstallReports } from "../../src/services/install-reports.ts";
import { InstallerLog } from "../../src/services/installer-log.ts";
import { NodeReports } from "../../src/services/node-reports.ts";
import type { StoredEvent } from "../../src/services/ports.ts";
import { Reimage, type ReimageGuard } from "../../src/services/reimage.ts";
import type { Store } from "../../src/services/store.ts";
import { StoredRegistry } from "../../src/services/stored-registry.ts";
import { Tickets } from "../../src/services/tickets.ts";
import { Watchdog } from "../../src/services/watchdog.ts";
import { FakeClock } from "./fake-clock.ts";
import { KeptLog } from "./kept-log.ts";
import { LIMITS } from "./machines.ts";
import { MemoryStore } from "./memory-store.ts";

export interface CoreOptions {
  readonly machines?: readonly Machine[];
  readonly unknown?: "ignore" | "discover";
  readonly guards?: readonly ReimageGuard[];
  readonly store?: MemoryStore;
  readonly clock?: FakeClock;
}

/** Builds and starts everything. */
export async function startCore(options: CoreOptions = {}) {
  return startCoreOver(options.store ?? new MemoryStore(), options);
}

/** The same over a given store. */
export async function startCoreOver<S extends Store>(store: S, options: Omit<CoreOptions, "store"> = {}) {
  const { machines = [], unknown = "ignore", guards = [] } = options;
  const clock = options.clock ?? new FakeClock();
  const log = new KeptLog();
  const common = { clock, timers: clock, log };
  await store.machines.commit(machines.map((machine) => ({ kind: "save", machine, previous: undefined })));
  const events = new Events({ ...common, store: store.events });
  const registry = new StoredRegistry({ ...common, store: store.machines, events, limits: LIMITS, unknown });
  const installerLog = new InstallerLog({
    ...common,
    store: store.installerLog,
    machineAt: (address) => registry.bySeenAddress(address),
  });
  const tickets = new Tickets({
    ...common,
    store: store.tickets,
    machines: registry,
    events,
    ticketLife: 14_400_000,
  });
  const watchdog = new Watchdog({ ...common, registry });
  for (const service of [events, registry, installerLog, tickets, watchdog]) await service.start();
  return {
    store,
    clock,
    log,
    events,
    registry,
    installerLog,
    tickets,
    watchdog,
    reports: createInstallReports({ tickets, registry, installerLog, events, clock }),
    nodeReports: new NodeReports({ registry, events, clock }),
    reimage: new Reimage({ registry, guards, clock, limits: LIMITS }),
    /** Stops everything but the store. */
    stop: async (): Promise<void> => {
      for (const service of [watchdog, tickets, installerLog, registry, events]) await service.stop();
    },
    /** Every entry of the timeline about a machine. */
    timeline: (machine: string): Promise<readonly StoredEvent[]> => events.list({ machine, limit: 1_000 }),
  };
}
