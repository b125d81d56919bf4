/** The control plane as an express app: every address it answers is named in this file or in a list it mounts. */
import express, { type Express } from "express";
import type { ApiRoute } from "./api-route.ts";
import { apiRoutes } from "./api-routes.ts";
import type { ControlServices } from "./control-ports.ts";
import { healthz, readyz } from "./health.ts";
import { mountRoutes } from "./mount-routes.ts";
import { type NodeServices, nodeRoutes } from "./node-routes.ts";
import type { Trust } from "./principal.ts";
import { errorHandler, notFound } from "./problem.ts";
import { requestId } from "./request-id.ts";

export interface ControlAppOptions {
  readonly services: ControlServices;
  readonly trust: Trust;
  /** Absent on the unix socket: machines come over HTTPS. */
  readonly node?: NodeServices;
  /** Ends feeds and waits when the appliance stops. */
  readonly stopping: AbortSignal;
}

/** Builds the app; the caller puts it behind HTTPS or behind the unix socket. */
export function createControlApp(options: ControlAppOptions): Express {
  const { services, trust, stopping } = options;
  const app = express();
  app
    .disable("x-powered-by")
    .disable("etag")
    .set("query parser", "simple")
    .set("case sensitive routing", true);
  app.use(requestId);
  app.get("/healthz", healthz);
  app.get("/readyz", readyz(services.status));
  const routes: readonly ApiRoute[] = apiRoutes(services);
  app.use("/api/v1", mountRoutes({ routes, trust, stopping, events: services.timeline }));
  if (options.node) app.use("/node/v1", nodeRoutes(options.node));
  app.use(notFound);
  app.use(errorHandler(services.log));
  return app;
}
