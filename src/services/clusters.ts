/** The clusters that were applied, read from memory by whoever plans, grants turns or looks at them. */
import type { ClusterView } from "../domain/cluster/members.ts";

/** Told after a change was made durable: a cluster's own description, or the set or specs of its members. */
export type ClusterChange =
  | { readonly kind: "changed"; readonly cluster: ClusterView }
  | { readonly kind: "removed"; readonly name: string };

/** Every view is a new immutable value; the same value until something about that cluster changes. */
export interface Clusters {
  get(name: string): ClusterView | undefined;
  /** All clusters, by name. */
  list(): readonly ClusterView[];
  /** The cluster that a machine is a member of. */
  ofMachine(machineName: string): ClusterView | undefined;
  /** Called soon after every change, once for those that come together; returns the function that ends the subscription. */
  subscribe(listener: (change: ClusterChange) => void): () => void;
}
