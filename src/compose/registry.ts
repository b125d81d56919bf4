/** The registry and what belongs to it: store, timeline, tickets, installer logs, watchdog. */
import path from "node:path";
import { openSqliteStore } from "../adapters/store/sqlite-store.ts";
import { ClusterStates } from "../services/cluster/cluster-state.ts";
import { Events } from "../services/events.ts";
import { createInstallReports, type InstallReports } from "../services/install-reports.ts";
import { InstallerLog } from "../services/installer-log.ts";
import { NodeIdentities } from "../services/node-identities.ts";
import type { Service } from "../services/ports.ts";
import type { Store } from "../services/store.ts";
import { StoredRegistry } from "../services/stored-registry.ts";
import { Tickets } from "../services/tickets.ts";
import { Watchdog } from "../services/watchdog.ts";
import type { Context } from "./context.ts";
import type { NamedService } from "./service-stack.ts";

export interface RegistryParts {
  readonly store: Store;
  readonly events: Events;
  readonly registry: StoredRegistry;
  readonly tickets: Tickets;
  readonly installerLog: InstallerLog;
  readonly installReports: InstallReports;
  /** How far each cluster's assembly has come. */
  readonly clusterStates: ClusterStates;
  readonly identities: NodeIdentities;
  /** In the order in which they start. */
  readonly services: readonly NamedService[];
}

/** Opens the store and builds the registry on it. @throws MusterError `unavailable` when the store cannot be opened. */
export function buildRegistry(context: Context): RegistryParts {
  const { config, clock, timers, log, limits } = context;
  const store = openSqliteStore({ file: path.join(config.dataDir, "muster.db") });
  const events = new Events({ store: store.events, clock, timers, log: log.child({ component: "events" }) });
  const registry = new StoredRegistry({
    store: store.machines,
    events,
    clock,
    timers,
    log: log.child({ component: "registry" }),
    limits,
    unknown: config.dhcp.unknown,
  });
  const installerLog = new InstallerLog({
    store: store.installerLog,
    clock,
    timers,
    log,
    machineAt: (address) => registry.bySeenAddress(address),
  });
  const ticketLife = config.install.ticketSeconds * 1000;
  const tickets = new Tickets({ store: store.tickets, machines: registry, events, clock, log, ticketLife });
  const identities = new NodeIdentities({ store: store.identities, machines: registry, events, clock, log });
  const clusterStates = new ClusterStates({ store: store.clusters, log });
  const watchdog = new Watchdog({ registry, clock, timers, log });
  return {
    store,
    events,
    registry,
    tickets,
    installerLog,
    installReports: createInstallReports({ tickets, registry, installerLog, events, clock }),
    clusterStates,
    identities,
    services: [
      { name: "store", service: closing(store) },
      { name: "events", service: events },
      { name: "registry", service: registry },
      { name: "tickets", service: tickets },
      { name: "states of clusters", service: clusterStates },
      { name: "installer log", service: installerLog },
      { name: "identities", service: identities },
      { name: "watchdog", service: watchdog },
    ],
  };
}

function closing(store: Store): Service {
  return { start: () => Promise.resolve(), stop: () => store.close() };
}
