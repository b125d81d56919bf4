/** Every route below /api/v1, in the order of the document. */
import { applianceRoutes } from "./api-appliance.ts";
import { assetRoutes } from "./api-assets.ts";
import { insightRoutes } from "./api-insight.ts";
import { machineActionRoutes } from "./api-machine-actions.ts";
import { machineRoutes } from "./api-machines.ts";
import type { ApiRoute } from "./api-route.ts";
import { timelineRoutes } from "./api-timeline.ts";
import { tokenRoutes } from "./api-tokens.ts";
import type { ControlServices } from "./control-ports.ts";

/** The whole API as one list. */
export function apiRoutes(services: ControlServices): readonly ApiRoute[] {
  return [
    ...machineRoutes(services),
    ...machineActionRoutes(services),
    ...insightRoutes(services),
    ...timelineRoutes(services),
    ...applianceRoutes(services),
    ...assetRoutes(services),
    ...tokenRoutes(services),
  ];
}
