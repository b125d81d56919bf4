/** What people ask about and of a cluster that exists: how it is, its certificates, a kubeconfig, a copy of its etcd. */
import type { ClusterStatus } from "../../domain/cluster/cluster-status.ts";
import type { ClusterView } from "../../domain/cluster/members.ts";
import type { Clock, EventSink } from "../ports.ts";
import type { ClusterPki } from "./cluster-pki.ts";
import { type Kubeconfig, type KubeconfigRequest, makeKubeconfig } from "./kubeconfig.ts";
import type { ClusterObserver } from "./observer.ts";
import { describePki, type PkiDescription, type RotationStep, rotatePki } from "./pki-rotation.ts";
import type { ClusterAccess } from "./ports.ts";

export interface ClusterOperationsOptions {
  readonly pki: ClusterPki;
  readonly access: ClusterAccess;
  readonly observer: Pick<ClusterObserver, "fresh" | "status" | "subscribe">;
  readonly events: EventSink;
  readonly clock: Clock;
}

export class ClusterOperations {
  readonly #options: ClusterOperationsOptions;

  constructor(options: ClusterOperationsOptions) {
    this.#options = options;
  }

  /** How the cluster is now. */
  status(cluster: ClusterView): Promise<ClusterStatus> {
    return this.#options.observer.fresh(cluster);
  }

  /** How the cluster was at the last look. */
  lastStatus(cluster: ClusterView): ClusterStatus {
    return this.#options.observer.status(cluster);
  }

  /** Called after every look; returns the function that ends the subscription. */
  subscribe(listener: (status: ClusterStatus) => void): () => void {
    return this.#options.observer.subscribe(listener);
  }

  /** Signs a kubeconfig; who asked for it is on record. */
  async kubeconfig(cluster: ClusterView, request: KubeconfigRequest, source: string): Promise<Kubeconfig> {
    const { pki, events } = this.#options;
    const made = await makeKubeconfig(pki, { cluster, request });
    const { user, groups, expiresAt } = made;
    events.record({
      type: "kubeconfig-made",
      source,
      message: `signed a kubeconfig of cluster ${cluster.name} for ${user} until ${new Date(expiresAt).toISOString()}`,
      data: { cluster: cluster.name, user, groups, expiresAt },
    });
    return made;
  }

  /** The cluster's authorities and where a rotation stands. */
  async pki(cluster: ClusterView): Promise<PkiDescription> {
    return describePki(cluster.name, await this.#options.pki.record(cluster));
  }

  /** Takes one step of a rotation. @throws TransitionError when it is not its turn. */
  rotate(cluster: ClusterView, step: RotationStep, source: string): Promise<PkiDescription> {
    return rotatePki(this.#options, { cluster, step, source });
  }

  /** A consistent copy of the cluster's etcd, as it comes. @throws ClusterUnreachableError */
  async snapshot(cluster: ClusterView): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#options.access.etcd(cluster)).snapshot();
  }
}
