/** /api/v1/addons and /api/v1/clusters/{name}/addons: the catalogue, and how a cluster's choice of it stands. */
import { z } from "zod";
import { CATALOGUE } from "../../domain/components/addons/catalogue.ts";
import { ofCluster } from "./api-clusters.ts";
import { type ApiRoute, json, route } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";

/** An entry of the catalogue. */
export const addonSchema = z.object({
  name: z.string(),
  kind: z.enum(["network", "addon"]),
  version: z.string(),
  summary: z.string(),
  kubernetes: z.object({ from: z.string(), to: z.string() }),
  images: z.array(z.string()),
  sources: z.array(z.string()).meta({ description: "Manifests, as <upstream>/<path>" }),
});

/** How an add-on stands in one cluster. */
export const addonStatusSchema = z.object({
  name: z.string(),
  version: z.string(),
  state: z.enum(["waiting", "starting", "ready", "failed"]),
  reason: z.string().optional(),
  missing: z.array(z.string()).optional().meta({ description: "Workloads that do not run yet" }),
});

type Services = Pick<ControlServices, "resources" | "addons">;

export function addonRoutes(services: Services): readonly ApiRoute[] {
  const of = ofCluster(services);
  return [
    route({
      id: "listAddons",
      method: "get",
      path: "/addons",
      permission: "assets:read",
      tag: "clusters",
      summary: "List the pod networks and add-ons that clusters can choose",
      success: { 200: { description: "The catalogue", schema: "AddonList" } },
      handle: () => Promise.resolve(json({ items: CATALOGUE.map(entryOf) })),
    }),
    route({
      id: "clusterAddons",
      method: "get",
      path: "/clusters/{name}/addons",
      permission: "status:read",
      tag: "clusters",
      summary: "How a cluster's pod network and add-ons stand",
      success: { 200: { description: "As of the last look", schema: "AddonStatusList" } },
      handle: of((cluster) => Promise.resolve(json({ items: services.addons.status(cluster) }))),
    }),
  ];
}

function entryOf(addon: (typeof CATALOGUE)[number]): z.output<typeof addonSchema> {
  const { name, kind, version, summary, kubernetes, images, sources } = addon;
  const paths = sources.map(({ upstream, path }) => `${upstream}/${path}`);
  return { name, kind, version, summary, kubernetes, images: [...images], sources: paths };
}
