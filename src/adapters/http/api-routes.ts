/** Every route below /api/v1, in the order of the document. */
import { machineRoutes } from "./api-machines.ts";
import type { ApiRoute } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";

/** The whole API as one list. */
export function apiRoutes(services: ControlServices): readonly ApiRoute[] {
  return [...machineRoutes(services)];
}
