/** What releases and applied clusters need, as names, files and images. */
import type { ClusterView } from "../../domain/cluster/members.ts";
import { clusterFiles } from "../../domain/components/cluster-needs.ts";
import { type ComponentArchitecture, componentFiles } from "../../domain/components/component-files.ts";
import { type KubernetesRelease, kubernetesRelease } from "../../domain/components/kubernetes-release.ts";
import type { Clusters } from "../clusters.ts";
import type { Service } from "../ports.ts";
import type { Timers } from "../timers.ts";
import type { ReleaseNeed, Releases } from "./component-digests.ts";

/** Everything of a release that any cluster could take: files and images. */
export function wholeRelease(release: KubernetesRelease, architecture: ComponentArchitecture): ReleaseNeed {
  const sources = { containerd: { from: "release" }, etcd: true } as const;
  return {
    name: `kubernetes-${release.version} (${architecture})`,
    architecture,
    files: componentFiles(release, { arch: architecture, sources }),
    images: release.images,
  };
}

/**
 * What a cluster's members need before they can begin, for each architecture. Its images come apart from its files, so
 * that machines need not wait for them: the registry pulls through what is not there yet.
 */
export function needsOfCluster(
  view: ClusterView,
  images: readonly string[] = [],
): { readonly files: readonly ReleaseNeed[]; readonly images: readonly ReleaseNeed[] } {
  const release = kubernetesRelease(view.spec.kubernetes.version);
  if (!release) return { files: [], images: [] };
  const needs = clusterFiles(view, release);
  const name = (architecture: string): string =>
    `cluster ${view.name}, Kubernetes ${release.version} (${architecture})`;
  return {
    files: needs.map(({ architecture, files }) => ({
      name: name(architecture),
      architecture,
      files,
      images: [],
    })),
    images: needs.map(({ architecture }) => ({
      name: `images of ${name(architecture)}`,
      architecture,
      files: [],
      images: [...release.images, ...images],
    })),
  };
}

export interface PullForClustersOptions {
  readonly clusters: Pick<Clusters, "list" | "subscribe">;
  readonly releases: Pick<Releases, "ensure">;
  readonly timers: Timers;
  /** Images of the cluster's pod network and add-ons. */
  readonly imagesOf?: (view: ClusterView) => readonly string[];
}

/** How often it is looked whether everything is there still. */
const REPEAT_MS = 30_000;

/** Pulls what every applied cluster needs as soon as it is applied, and again after a while where that failed. */
export function pullForClusters({ clusters, releases, timers, imagesOf }: PullForClustersOptions): Service {
  let unsubscribe: (() => void) | undefined;
  let callOff: (() => void) | undefined;
  const ensure = (view: ClusterView): void => {
    const needs = needsOfCluster(view, imagesOf?.(view));
    for (const need of [...needs.files, ...needs.images]) releases.ensure(need);
  };
  const ensureAll = (): void => {
    for (const view of clusters.list()) ensure(view);
    callOff = timers.after(REPEAT_MS, ensureAll);
  };
  return {
    start() {
      if (unsubscribe) return Promise.resolve();
      unsubscribe = clusters.subscribe((change) => {
        if (change.kind === "changed") ensure(change.cluster);
      });
      ensureAll();
      return Promise.resolve();
    },
    stop() {
      unsubscribe?.();
      callOff?.();
      unsubscribe = undefined;
      return Promise.resolve();
    },
  };
}
