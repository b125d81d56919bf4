/** Every route below /api/v1, in the order of the document. */
import { addonRoutes } from "./api-addons.ts";
import { applianceRoutes } from "./api-appliance.ts";
import { assetRoutes } from "./api-assets.ts";
import { clusterTurnRoutes } from "./api-cluster-turns.ts";
import { clusterRoutes } from "./api-clusters.ts";
import { insightRoutes } from "./api-insight.ts";
import { machineActionRoutes } from "./api-machine-actions.ts";
import { machineRoutes } from "./api-machines.ts";
import { resourceRoutes } from "./api-resources.ts";
import type { ApiRoute } from "./api-route.ts";
import { selfDescription } from "./api-self.ts";
import { timelineRoutes } from "./api-timeline.ts";
import { tokenRoutes } from "./api-tokens.ts";
import type { ControlServices } from "./control-ports.ts";
import { openApiDocument } from "./openapi.ts";

/** The whole API as one list, its own description included. */
export function apiRoutes(services: ControlServices, version = "0.0.0"): readonly ApiRoute[] {
  let document: ReturnType<typeof openApiDocument> | undefined;
  const routes: readonly ApiRoute[] = [
    ...machineRoutes(services),
    ...machineActionRoutes(services),
    ...resourceRoutes(services),
    ...insightRoutes(services),
    ...timelineRoutes(services),
    ...applianceRoutes(services),
    ...clusterRoutes(services),
    ...clusterTurnRoutes(services),
    ...addonRoutes(services),
    ...assetRoutes(services),
    ...tokenRoutes(services),
    selfDescription(() => (document ??= openApiDocument({ routes, version }))),
  ];
  return routes;
}
