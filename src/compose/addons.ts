/** The pod networks and add-ons of clusters: their manifests, and the service that keeps them applied. */
import { createManifestFiles } from "../adapters/assets/manifest-files.ts";
import { addonImages } from "../domain/components/addons/catalogue.ts";
import { kubeVipImages } from "../domain/node/kube-vip.ts";
import { pullForClusters } from "../services/assets/release-needs.ts";
import { AddonManifests } from "../services/cluster/addon-manifests.ts";
import { ClusterAddons } from "../services/cluster/addons.ts";
import type { ClusterAccessParts } from "./cluster-access.ts";
import type { Context } from "./context.ts";
import type { ImageParts } from "./images.ts";
import type { RegistryParts } from "./registry.ts";
import type { ResourceParts } from "./resources.ts";
import type { NamedService } from "./service-stack.ts";

export interface AddonParts {
  /** What a machine applies that was told to: undefined when there is nothing. */
  readonly manifestsOf: (machine: string) => Promise<string | undefined>;
  readonly addons: ClusterAddons;
  readonly services: readonly NamedService[];
}

interface Parts {
  readonly registry: Pick<RegistryParts, "events" | "clusterStates">;
  readonly resources: ResourceParts;
  readonly images: ImageParts;
  readonly access: ClusterAccessParts;
}

/** A control plane that was to apply them is given this long before the appliance does it itself. */
const MACHINES_TURN_MS = 600_000;

export function buildAddons(
  { clock, timers, log }: Context,
  { registry: { events, clusterStates }, resources, images, access }: Parts,
): AddonParts {
  const { clusters } = resources.resources;
  const manifests = new AddonManifests({ files: createManifestFiles(images.files) });
  const mayApply = (cluster: string): boolean => {
    const { init, addons } = clusterStates.get(cluster);
    if (init.phase !== "initialised") return false;
    return addons.doneAt !== undefined || clock.now() - init.at > MACHINES_TURN_MS;
  };
  const addons = new ClusterAddons({
    clusters,
    manifests,
    access: access.access,
    mayApply,
    events,
    timers,
    log: log.child({ component: "addons" }),
  });
  const pulling = pullForClusters({
    clusters,
    releases: images.releases,
    timers,
    imagesOf: ({ spec }) => [...addonImages(spec), ...kubeVipImages(spec)],
  });
  return {
    manifestsOf: async (machine) => {
      const cluster = clusters.ofMachine(machine);
      return cluster && manifests.manifestsFor(cluster);
    },
    addons,
    services: [
      { name: "releases of clusters", service: pulling },
      { name: "add-ons", service: addons },
    ],
  };
}
