/**
 * Looks at every cluster that has begun to exist: often while something is missing, seldom once it is healthy. Tells the
 * registry which machines have a Node that is Ready, and the timeline when a cluster becomes healthy or stops being so.
 */
import type { ClusterStatus } from "../../domain/cluster/cluster-status.ts";
import type { ClusterView } from "../../domain/cluster/members.ts";
import type { Clusters } from "../clusters.ts";
import type { Clock, EventSink, Log, Service } from "../ports.ts";
import type { Timers } from "../timers.ts";
import { lookAtCluster, type RecordedPhase, unseenStatus } from "./look-at-cluster.ts";
import type { PeerRoute, PeerRoutes } from "./peer-routes.ts";
import type { ClusterAccess } from "./ports.ts";

export interface ObserverOptions {
  readonly clusters: Clusters;
  readonly access: ClusterAccess;
  /** What the appliance's own record says. */
  readonly recorded: (cluster: string) => RecordedPhase;
  /** Called after every look at a cluster that has been initialised, one at a time. */
  readonly after: readonly ((cluster: ClusterView, status: ClusterStatus) => Promise<void>)[];
  readonly events: EventSink;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

const TICK_MS = 1000;
const EAGER_MS = 3000;
const CALM_MS = 15_000;
/** A cluster that stays broken is looked at calmly, too. */
const EAGER_FOR_MS = 900_000;
/** A person who asks gets what is at most this old. */
const FRESH_MS = 2000;

interface Watched {
  status: ClusterStatus;
  /** Monotonic, of the last look. */
  lookedAt: number;
  /** Monotonic, of the last change in what is wrong. */
  changedAt: number;
  look: Promise<ClusterStatus> | undefined;
}

export class ClusterObserver implements Service, PeerRoutes {
  readonly #options: ObserverOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #listeners = new Set<(status: ClusterStatus) => void>();
  #callOff: (() => void) | undefined;
  #running = false;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    this.#running = true;
    if (!this.#callOff) this.#schedule();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#callOff?.();
    this.#callOff = undefined;
    await Promise.allSettled([...this.#watched.values()].flatMap(({ look }) => look ?? []));
  }

  /** What the last look found; a status without looks when there was none. */
  status(cluster: ClusterView): ClusterStatus {
    return (
      this.#watched.get(cluster.name)?.status ?? unseenStatus(cluster, this.#options.recorded(cluster.name))
    );
  }

  /** What a look finds that is not older than two seconds. */
  async fresh(cluster: ClusterView): Promise<ClusterStatus> {
    const { clock } = this.#options;
    const known = this.#watched.get(cluster.name);
    if (
      known &&
      !known.look &&
      known.status.at !== undefined &&
      clock.monotonic() - known.lookedAt < FRESH_MS
    )
      return known.status;
    return this.#look(cluster);
  }

  /** Called after every look; returns the function that ends the subscription. */
  subscribe(listener: (status: ClusterStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  routesOf(cluster: string): readonly PeerRoute[] {
    const nodes = this.#watched.get(cluster)?.status.nodes ?? [];
    return nodes.flatMap(({ podCIDRs, address }) => podCIDRs.map((cidr) => ({ cidr, via: address })));
  }

  #schedule(): void {
    this.#callOff = this.#options.timers.after(TICK_MS, () => {
      if (!this.#running) return;
      this.#schedule();
      this.#tick();
    });
  }

  #tick(): void {
    const { clusters, log } = this.#options;
    const present = clusters.list();
    for (const name of this.#watched.keys()) {
      if (!present.some((cluster) => cluster.name === name)) this.#watched.delete(name);
    }
    for (const cluster of present) {
      if (!this.#due(cluster)) continue;
      this.#look(cluster).catch((error: unknown) => {
        log.error({ err: error, cluster: cluster.name }, "a cluster could not be looked at");
      });
    }
  }

  #due({ name }: ClusterView): boolean {
    const { clock, recorded } = this.#options;
    if (recorded(name).phase === "none") return false;
    const known = this.#watched.get(name);
    if (!known) return true;
    if (known.look) return false;
    const now = clock.monotonic();
    const calm = known.status.healthy || now - known.changedAt > EAGER_FOR_MS;
    return now - known.lookedAt >= (calm ? CALM_MS : EAGER_MS);
  }

  /** One look at a time at each cluster. */
  #look(cluster: ClusterView): Promise<ClusterStatus> {
    const { recorded, clock } = this.#options;
    const now = clock.monotonic();
    const watched = this.#watched.get(cluster.name) ?? {
      status: unseenStatus(cluster, recorded(cluster.name)),
      lookedAt: now,
      changedAt: now,
      look: undefined,
    };
    this.#watched.set(cluster.name, watched);
    watched.look ??= this.#lookOnce(cluster, watched).finally(() => {
      watched.look = undefined;
      watched.lookedAt = clock.monotonic();
    });
    return watched.look;
  }

  async #lookOnce(cluster: ClusterView, watched: Watched): Promise<ClusterStatus> {
    const { access, recorded, clock, after } = this.#options;
    const found = await lookAtCluster(access, { cluster, recorded: recorded(cluster.name) });
    const status: ClusterStatus = { ...found, at: clock.now() };
    const before = watched.status;
    watched.status = status;
    if (before.problems.join("\n") !== status.problems.join("\n")) watched.changedAt = clock.monotonic();
    this.#tell(before, status);
    if (status.phase === "initialised") for (const each of after) await each(cluster, status);
    return status;
  }

  #tell(before: ClusterStatus, status: ClusterStatus): void {
    const { events, log } = this.#options;
    const { cluster, healthy, problems, summary } = status;
    // The first look after a start only finds out; what was so before is no news.
    if (before.at !== undefined && before.healthy !== healthy) {
      events.record({
        type: healthy ? "cluster-healthy" : "cluster-degraded",
        source: "observer",
        level: healthy ? "info" : "warning",
        message: `cluster ${cluster}: ${healthy ? summary : (problems[0] ?? summary)}`,
        data: { cluster, problems },
      });
    }
    for (const listener of this.#listeners) {
      try {
        listener(status);
      } catch (error) {
        log.error({ err: error, cluster }, "a listener of the clusters' status failed");
      }
    }
  }
}
