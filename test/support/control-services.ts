/** Everything behind the control plane: the real registry, timeline and tokens over a store in memory, the rest faked. */
import path from "node:path";
import { Readable } from "node:stream";
import type { ApplianceStatus } from "../../src/adapters/http/appliance-status.ts";
import { createControlApp } from "../../src/adapters/http/control-app.ts";
import type { ControlServices } from "../../src/adapters/http/control-ports.ts";
import { FailureLimit } from "../../src/adapters/http/failure-limit.ts";
import type { NodeServices } from "../../src/adapters/http/node-routes.ts";
import type { Trust } from "../../src/adapters/http/principal.ts";
import { Metrics } from "../../src/adapters/telemetry/metrics.ts";
import { newClusterRecord } from "../../src/domain/cluster/cluster-record.ts";
import { MusterError, TransitionError } from "../../src/domain/errors.ts";
import type { AssetStatus, Assets, InstallerNeed } from "../../src/services/assets/assets.ts";
import { ClusterOperations } from "../../src/services/cluster/cluster-operations.ts";
import { ClusterObserver } from "../../src/services/cluster/observer.ts";
import { turnView } from "../../src/services/cluster/turn-view.ts";
import { Events } from "../../src/services/events.ts";
import { InstallerLog } from "../../src/services/installer-log.ts";
import type { TokenRole } from "../../src/services/permissions.ts";
import { Resources } from "../../src/services/resources/resources.ts";
import { StoredRegistry } from "../../src/services/stored-registry.ts";
import { Tokens } from "../../src/services/tokens.ts";
import { aClusterPki } from "./cluster-pki.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { KeptLog } from "./kept-log.ts";
import { LIMITS } from "./machines.ts";
import { MemoryStore } from "./memory-store.ts";

/** The network on which every address of the tests' documents lies. */
const LAN = {
  cidr: "10.20.0.0/24",
  router: "10.20.0.1",
  dns: ["10.20.0.1"],
  ntp: [],
  pools: [],
  relays: [],
  routes: [],
};
const VIEWS = path.resolve(import.meta.dirname, "../../src/adapters/http/views");

/** Assets that are never there, and remember what they were asked for. */
export class FakeAssets implements Assets {
  readonly asked: InstallerNeed[] = [];
  state: AssetStatus = { kind: "pulling", progress: 0.5, what: "linux" };

  status(): AssetStatus {
    return this.state;
  }

  ensure(need: InstallerNeed): void {
    this.asked.push(need);
  }

  installer(): undefined {
    return undefined;
  }

  pull({ need }: { readonly need: InstallerNeed }): ReturnType<Assets["pull"]> {
    this.asked.push(need);
    this.state = { kind: "ready" };
    const { os, architecture } = need;
    return Promise.resolve({ os, architecture, version: "1", fetched: [], unchanged: false, notes: [] });
  }

  list(): ReturnType<Assets["list"]> {
    return Promise.resolve([]);
  }

  verify(): ReturnType<Assets["verify"]> {
    return Promise.resolve([]);
  }
}

export interface FakeControl {
  readonly services: ControlServices;
  readonly store: MemoryStore;
  readonly clock: FakeClock;
  readonly log: KeptLog;
  readonly registry: StoredRegistry;
  readonly events: Events;
  readonly installerLog: InstallerLog;
  readonly tokens: Tokens;
  readonly assets: FakeAssets;
  /** What every cluster of the test is like. */
  readonly fakeCluster: FakeCluster;
  readonly metrics: Metrics;
  readonly failures: FailureLimit;
  readonly stopping: AbortController;
  /** What `status` answers; a test may replace parts of it. */
  status: ApplianceStatus;
  /** A new token of this role. */
  token(role: TokenRole): Promise<string>;
  /** The app behind HTTPS, or behind the unix socket. */
  app(options?: {
    readonly trust?: Trust;
    readonly node?: NodeServices;
    readonly web?: boolean;
  }): ReturnType<typeof createControlApp>;
}

/** Builds and starts all of it. */
export async function fakeControl(
  options: { readonly unknown?: "ignore" | "discover" } = {},
): Promise<FakeControl> {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const log = new KeptLog();
  const base = { clock, timers: clock, log };
  const events = new Events({ ...base, store: store.events });
  const unknown = options.unknown ?? "ignore";
  const registry = new StoredRegistry({ ...base, store: store.machines, events, limits: LIMITS, unknown });
  const installerLog = new InstallerLog({
    ...base,
    store: store.installerLog,
    machineAt: (address) => registry.bySeenAddress(address),
  });
  const tokens = new Tokens({ store: store.tokens, clock, log });
  const assets = new FakeAssets();
  const resources = new Resources({
    store: store.resources,
    registry,
    events,
    clock,
    log,
    limits: LIMITS,
    facts: () => ({ mode: "proxy", subnets: [LAN] }),
    begun: () => false,
  });
  for (const service of [events, registry, installerLog, resources]) await service.start();
  await tokens.load();
  const fakeCluster = new FakeCluster();
  const observer = new ClusterObserver({
    ...{ ...base, events, after: [], access: fakeCluster, clusters: resources.clusters },
    recorded: () => ({ phase: "initialised" }),
  });
  const { pki } = await aClusterPki({ clock, store, clusters: resources.clusters });
  const clusters = new ClusterOperations({ pki, access: fakeCluster, observer, events, clock });
  const failures = new FailureLimit({ clock, limit: 5 });
  const stopping = new AbortController();
  const metrics = new Metrics({ version: "0.1.0" });
  metrics.readFrom({
    machines: registry,
    dhcpCounters: () => ({ "sent:OFFER": 3, "ignored:unknown-machine": 2 }),
    listeners: () => control.status.listeners,
  });
  const control: Omit<FakeControl, "services" | "app"> & { services?: ControlServices } = {
    store,
    clock,
    log,
    registry,
    events,
    installerLog,
    tokens,
    assets,
    fakeCluster,
    metrics,
    failures,
    stopping,
    status: {
      version: "0.1.0",
      startedAt: clock.now(),
      dhcpMode: "proxy",
      listeners: [{ name: "https", state: "listening", endpoints: ["port 8443/tcp"] }],
      checks: [{ name: "database", state: "ok" }],
      rivals: [],
    },
    token: async (role) => (await tokens.create({ name: `${role}-${tokens.list().length}`, role })).secret,
  };
  const services: ControlServices = {
    clock,
    log,
    machines: registry,
    resources,
    timeline: events,
    installerLogs: installerLog,
    leases: store.leases,
    assets,
    tokens,
    clusters,
    addons: { status: () => [{ name: "flannel", version: "0.28.9", state: "ready" }] },
    clusterTurns: {
      view: (cluster) =>
        turnView(cluster, newClusterRecord(cluster.name), {
          machines: registry,
          lastAnswer: () => undefined,
        }),
      giveInit: () => Promise.reject(new MusterError("refused", "nobody holds the turn")),
      unfreeze: () => Promise.resolve(),
    },
    reimage: {
      reimage: async (name, _request, source) => {
        const outcome = await registry.apply(name, { type: "reimage-requested" }, source);
        if (!outcome.ok) throw new TransitionError(outcome.reason);
        return outcome.machine;
      },
    },
    documents: {
      names: ["preseed.cfg"],
      render: (machine, document) =>
        Promise.resolve(
          document === "preseed.cfg"
            ? { contentType: "text/plain", text: `d-i netcfg/get_hostname string ${machine.name}\n` }
            : undefined,
        ),
    },
    diagnose: (machine) => Promise.resolve({ summary: `${machine.name} is fine`, findings: [], packets: [] }),
    status: () => Promise.resolve(control.status),
    config: { dataDir: "data", mirrors: { debian: { password: "(hidden)" } } },
    backup: () => Promise.resolve({ filename: "muster.backup", stream: Readable.from(["whole ", "state"]) }),
  };
  return Object.assign(control, {
    services,
    app: ({ trust, node, web } = {}) =>
      createControlApp({
        services,
        trust: trust ?? { kind: "tokens", tokens, failures },
        version: "0.1.0",
        metrics,
        stopping: stopping.signal,
        ...(node ? { node } : {}),
        ...(web ? { web: { sessionKey: Buffer.alloc(32, 7), viewsDirectory: VIEWS } } : {}),
      }),
  } satisfies Pick<FakeControl, "services" | "app">);
}
