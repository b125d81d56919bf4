/** Clusters for tests: views made by the schemas that parse what people write, and a `Clusters` port over a few of them. */
import { type ClusterSpecInput, clusterSpecSchema } from "../../src/domain/cluster/cluster-spec.ts";
import type { ClusterMember, ClusterView } from "../../src/domain/cluster/members.ts";
import { machineSpecSchema, type Role } from "../../src/domain/machine-spec.ts";
import type { ClusterChange, Clusters } from "../../src/services/clusters.ts";

/** A member on 10.20.0.0/24; its MAC ends like its address. */
export function aMember(
  name: string,
  { roles, host, address = `10.20.0.${host}` }: { roles: readonly Role[]; host: number; address?: string },
): ClusterMember {
  const mac = `52:54:00:12:34:${host.toString(16).padStart(2, "0")}`;
  const spec = machineSpecSchema.parse({ mac, cluster: "lab", roles: [...roles], address });
  return { name, spec, roles, address };
}

/** Three control planes, two workers and an endpoint, unless told otherwise. */
export function aCluster(
  fields: {
    readonly name?: string;
    readonly spec?: ClusterSpecInput;
    readonly members?: readonly ClusterMember[];
  } = {},
): ClusterView {
  const endpoint = { address: "10.20.0.9" };
  return {
    name: fields.name ?? "lab",
    spec: clusterSpecSchema.parse({ endpoint, ...fields.spec }),
    members: fields.members ?? [
      aMember("kube0", { roles: ["control-plane"], host: 10 }),
      aMember("kube1", { roles: ["control-plane"], host: 11 }),
      aMember("kube2", { roles: ["control-plane"], host: 12 }),
      aMember("work0", { roles: ["worker"], host: 20 }),
      aMember("work1", { roles: ["worker"], host: 21 }),
    ],
  };
}

/** Clusters in memory that a test changes by hand. */
export class MemoryClusters implements Clusters {
  readonly #views = new Map<string, ClusterView>();
  readonly #listeners = new Set<(change: ClusterChange) => void>();

  constructor(views: readonly ClusterView[] = []) {
    for (const view of views) this.#views.set(view.name, view);
  }

  get(name: string): ClusterView | undefined {
    return this.#views.get(name);
  }

  list(): readonly ClusterView[] {
    return [...this.#views.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  ofMachine(machineName: string): ClusterView | undefined {
    return this.list().find(({ members }) => members.some(({ name }) => name === machineName));
  }

  subscribe(listener: (change: ClusterChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Takes a cluster away and tells whoever listens. */
  remove(name: string): void {
    this.#views.delete(name);
    for (const listener of this.#listeners) listener({ kind: "removed", name });
  }

  /** Puts a cluster in place and tells whoever listens. */
  apply(cluster: ClusterView): void {
    this.#views.set(cluster.name, cluster);
    for (const listener of this.#listeners) listener({ kind: "changed", cluster });
  }
}
