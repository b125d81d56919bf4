/**
 * Keeps every cluster's pod network and add-ons applied: what a control plane applied first is looked after from here, and
 * what is changed or added later reaches the cluster by itself. Server-side apply makes a repetition harmless.
 */
import type { ClusterView } from "../../domain/cluster/members.ts";
import type { Workload } from "../../domain/components/addons/addon.ts";
import { chosenAddons } from "../../domain/components/addons/catalogue.ts";
import { valueAt } from "../../domain/components/addons/objects.ts";
import { MusterError } from "../../domain/errors.ts";
import type { Clusters } from "../clusters.ts";
import type { EventSink, Log, Service } from "../ports.ts";
import type { Timers } from "../timers.ts";
import type { AddonManifests, RenderedAddon } from "./addon-manifests.ts";
import type { ClusterAccess, KubernetesAccess } from "./ports.ts";

/** How an add-on stands in one cluster. */
export type AddonState =
  /** Nothing was done yet. */
  | { readonly state: "waiting"; readonly reason: string }
  /** Its objects are in; `missing` are workloads that do not run yet. */
  | { readonly state: "starting"; readonly missing: readonly string[] }
  | { readonly state: "ready" }
  /** It is tried again; `reason` is the first thing that was refused. */
  | { readonly state: "failed"; readonly reason: string };

export type AddonStatus = AddonState & { readonly name: string; readonly version: string };

export interface ClusterAddonsOptions {
  readonly clusters: Pick<Clusters, "list" | "get" | "subscribe">;
  readonly manifests: Pick<AddonManifests, "render">;
  readonly access: Pick<ClusterAccess, "kubernetes">;
  /** Whether a cluster exists and none of its machines is applying them right now. */
  readonly mayApply: (cluster: string) => boolean;
  readonly events: EventSink;
  readonly timers: Timers;
  readonly log: Log;
  /** Time between two looks, milliseconds. */
  readonly everyMs?: number;
}

interface Kept {
  readonly fingerprint: string;
  readonly status: AddonStatus;
}

const EVERY_MS = 30_000;

export class ClusterAddons implements Service {
  readonly #options: ClusterAddonsOptions;
  readonly #kept = new Map<string, Map<string, Kept>>();
  readonly #running = new Map<string, Promise<void>>();
  #callOff: (() => void) | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(options: ClusterAddonsOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    if (this.#unsubscribe) return Promise.resolve();
    this.#unsubscribe = this.#options.clusters.subscribe((change) => {
      if (change.kind === "removed") this.#kept.delete(change.name);
      else void this.look(change.cluster);
    });
    this.#round();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#callOff?.();
    this.#unsubscribe = undefined;
    await Promise.allSettled(this.#running.values());
  }

  /** How a cluster's pod network and add-ons stood at the last look. */
  status({ name, spec }: ClusterView): readonly AddonStatus[] {
    const kept = this.#kept.get(name);
    const reason =
      "nothing was looked at yet: the cluster does not exist, or one of its machines applies them now";
    return chosenAddons(spec).map(
      ({ addon }) =>
        kept?.get(addon.name)?.status ?? {
          name: addon.name,
          version: addon.version,
          state: "waiting",
          reason,
        },
    );
  }

  /** Applies what is missing or has changed and looks what runs; a look that is under way is shared. */
  look(cluster: ClusterView): Promise<void> {
    const running = this.#running.get(cluster.name);
    if (running) return running;
    const looking = this.#look(cluster)
      .catch((error: unknown) => {
        const known = error instanceof MusterError ? { reason: error.message } : { err: error };
        this.#options.log.warn({ cluster: cluster.name, ...known }, "add-ons could not be looked after");
      })
      .finally(() => this.#running.delete(cluster.name));
    this.#running.set(cluster.name, looking);
    return looking;
  }

  #round(): void {
    const { clusters, timers, everyMs = EVERY_MS } = this.#options;
    for (const cluster of clusters.list()) void this.look(cluster);
    this.#callOff = timers.after(everyMs, () => this.#round());
  }

  async #look(cluster: ClusterView): Promise<void> {
    const { access, manifests, mayApply } = this.#options;
    if (!mayApply(cluster.name)) return;
    const rendered = await manifests.render(cluster);
    const kubernetes = await access.kubernetes(cluster);
    const before = this.#kept.get(cluster.name) ?? new Map<string, Kept>();
    const now = new Map<string, Kept>();
    this.#kept.set(cluster.name, now);
    for (const addon of rendered) {
      const { name, version, fingerprint } = addon;
      const held = before.get(name);
      const state = await this.#bring(kubernetes, { addon, held });
      now.set(name, { fingerprint, status: { name, version, ...state } });
      this.#tell(cluster.name, { addon, state, before: held?.status.state });
    }
  }

  async #bring(
    kubernetes: KubernetesAccess,
    { addon, held }: { readonly addon: RenderedAddon; readonly held: Kept | undefined },
  ): Promise<AddonState> {
    const { fingerprint, objects, workloads } = addon;
    const done = held?.fingerprint === fingerprint && held.status.state !== "failed";
    if (!done && objects.length > 0) {
      const refused = (await kubernetes.apply(objects)).find(({ outcome }) => outcome === "refused");
      if (refused) return { state: "failed", reason: `${refused.object}: ${refused.reason ?? "refused"}` };
    }
    const missing: string[] = [];
    for (const workload of workloads) {
      if (!(await runs(kubernetes, workload))) missing.push(`${workload.kind} ${workload.name}`);
    }
    return missing.length === 0 ? { state: "ready" } : { state: "starting", missing };
  }

  #tell(
    cluster: string,
    {
      addon: { name, version },
      state,
      before,
    }: {
      readonly addon: RenderedAddon;
      readonly state: AddonState;
      readonly before: AddonState["state"] | undefined;
    },
  ): void {
    if (state.state === before) return;
    const data = { cluster, addon: name };
    const source = "addons";
    if (state.state === "ready") {
      const message = `${name} ${version} runs in cluster ${cluster}`;
      this.#options.events.record({ type: "addon-ready", source, message, data });
    } else if (state.state === "failed") {
      const message = `${name} ${version} is not accepted by cluster ${cluster}, and is tried again: ${state.reason}`;
      this.#options.events.record({ type: "addon-refused", source, level: "warning", message, data });
    }
  }
}

const PLURALS = { Deployment: "deployments", DaemonSet: "daemonsets", StatefulSet: "statefulsets" } as const;

/** Wanted and ready pods are counted under other names by each kind. */
const COUNTS = {
  Deployment: { wanted: ["spec", "replicas"], ready: ["status", "readyReplicas"] },
  StatefulSet: { wanted: ["spec", "replicas"], ready: ["status", "readyReplicas"] },
  DaemonSet: { wanted: ["status", "desiredNumberScheduled"], ready: ["status", "numberReady"] },
} as const;

async function runs(kubernetes: KubernetesAccess, { kind, namespace, name }: Workload): Promise<boolean> {
  const path = `/apis/apps/v1/namespaces/${namespace}/${PLURALS[kind]}/${name}`;
  const object = await kubernetes.get(path);
  const count = (at: readonly string[]): number | undefined => {
    const value = valueAt(object, at);
    return typeof value === "number" ? value : undefined;
  };
  const wanted = count(COUNTS[kind].wanted);
  if (object === undefined || wanted === undefined) return false;
  return wanted === 0 || (count(COUNTS[kind].ready) ?? 0) >= wanted;
}
