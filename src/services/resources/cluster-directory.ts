/** The clusters in memory: their specs as applied, their members as the registry knows them at any moment. */
import type { ClusterSpec } from "../../domain/cluster/cluster-spec.ts";
import { type ClusterView, clusterView } from "../../domain/cluster/members.ts";
import type { Machine } from "../../domain/machine.ts";
import type { ClusterChange, Clusters } from "../clusters.ts";
import type { Log } from "../ports.ts";
import type { Registry, RegistryChange } from "../registry.ts";

export interface DirectoryOptions {
  readonly registry: Pick<Registry, "list" | "byName" | "subscribe">;
  readonly log: Log;
}

interface NamedSpec {
  readonly name: string;
  readonly spec: ClusterSpec;
}

export class ClusterDirectory implements Clusters {
  readonly #options: DirectoryOptions;
  readonly #specs = new Map<string, ClusterSpec>();
  /** Views as they were last asked for or told. */
  readonly #views = new Map<string, ClusterView>();
  /** Clusters of which subscribers have not been told yet. */
  readonly #news = new Set<string>();
  readonly #listeners = new Set<(change: ClusterChange) => void>();

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  /** Follows the registry from now on; returns the function that ends it. */
  follow(): () => void {
    return this.#options.registry.subscribe((change) => {
      for (const name of clustersTouched(change)) this.#changed(name);
    });
  }

  /** Makes these the clusters that there are, and tells what became of each. */
  replace(clusters: readonly NamedSpec[]): void {
    const names = new Set(clusters.map(({ name }) => name));
    const gone = [...this.#specs.keys()].filter((name) => !names.has(name));
    for (const name of gone) {
      this.#specs.delete(name);
      this.#views.delete(name);
      this.#news.delete(name);
      this.#tell({ kind: "removed", name });
    }
    for (const { name, spec } of clusters) {
      const before = this.#specs.get(name);
      if (JSON.stringify(before) === JSON.stringify(spec)) continue;
      this.#specs.set(name, spec);
      this.#changed(name);
    }
  }

  get(name: string): ClusterView | undefined {
    const spec = this.#specs.get(name);
    if (!spec) return undefined;
    const view =
      this.#views.get(name) ?? clusterView({ name, spec }, this.#options.registry.list().filter(counts));
    this.#views.set(name, view);
    return view;
  }

  list(): readonly ClusterView[] {
    return [...this.#specs.keys()].sort().flatMap((name) => this.get(name) ?? []);
  }

  ofMachine(machineName: string): ClusterView | undefined {
    const machine = this.#options.registry.byName(machineName);
    if (!machine || !counts(machine) || machine.spec.cluster === undefined) return undefined;
    return this.get(machine.spec.cluster);
  }

  subscribe(listener: (change: ClusterChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  // Thousands of machines may change in one commit: whoever listens hears of their cluster once.
  #changed(name: string): void {
    this.#views.delete(name);
    if (!this.#specs.has(name)) return;
    if (this.#news.size === 0) {
      queueMicrotask(() => {
        this.#tellNews();
      });
    }
    this.#news.add(name);
  }

  #tellNews(): void {
    const names = [...this.#news];
    this.#news.clear();
    for (const name of names) {
      const cluster = this.get(name);
      if (cluster) this.#tell({ kind: "changed", cluster });
    }
  }

  #tell(change: ClusterChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#options.log.error({ err: error }, "a listener of the clusters failed");
      }
    }
  }
}

/** Whether a machine can be a member of anything: it was registered and not retired. */
export function counts({ state }: Machine): boolean {
  return state !== "retired" && state !== "discovered";
}

/** Clusters for which a change of the registry makes a difference; reports and sightings make none. */
function clustersTouched(change: RegistryChange): ReadonlySet<string> {
  const before = change.kind === "removed" ? change.machine : change.before;
  const after = change.kind === "removed" ? undefined : change.machine;
  if (before && after && before.spec === after.spec && counts(before) === counts(after)) return new Set();
  const sides = [before, after].filter((machine) => machine !== undefined && counts(machine));
  return new Set(sides.flatMap((machine) => machine?.spec.cluster ?? []));
}
