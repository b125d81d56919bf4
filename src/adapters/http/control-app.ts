/** The control plane as an express app: every address it answers is named in this file or in a list it mounts. */
import express, { type Express, type RequestHandler } from "express";
import type { Metrics } from "../telemetry/metrics.ts";
import { apiRoutes } from "./api-routes.ts";
import type { ControlServices } from "./control-ports.ts";
import { healthz, readyz } from "./health.ts";
import { metricsRoute } from "./metrics-route.ts";
import { mountRoutes } from "./mount-routes.ts";
import { type NodeServices, nodeRoutes } from "./node-routes.ts";
import type { Trust } from "./principal.ts";
import { errorHandler, notFound } from "./problem.ts";
import { requestId } from "./request-id.ts";
import { securityHeaders } from "./security-headers.ts";
import { type WebOptions, webRoutes } from "./web-routes.ts";

export interface ControlAppOptions {
  readonly services: ControlServices;
  readonly trust: Trust;
  readonly version: string;
  readonly metrics: Pick<Metrics, "expose">;
  /** Absent on the unix socket: machines come over HTTPS. */
  readonly node?: NodeServices;
  /** Container images; absent on the unix socket: container runtimes come over HTTPS. */
  readonly images?: RequestHandler;
  /** Absent on the unix socket: browsers come over HTTPS. */
  readonly web?: Pick<WebOptions, "sessionKey" | "viewsDirectory">;
  /** Ends feeds and waits when the appliance stops. */
  readonly stopping: AbortSignal;
}

/** Builds the app; the caller puts it behind HTTPS or behind the unix socket. */
export function createControlApp(options: ControlAppOptions): Express {
  const { services, trust, stopping, version } = options;
  const app = express();
  app
    .disable("x-powered-by")
    .disable("etag")
    .set("query parser", "simple")
    .set("case sensitive routing", true);
  app.use(requestId, securityHeaders);
  app.get("/healthz", healthz);
  app.get("/readyz", readyz(services.status));
  app.get("/metrics", metricsRoute(options.metrics, trust));
  const routes = apiRoutes(services, version);
  app.use("/api/v1", mountRoutes({ routes, trust, stopping, events: services.timeline }));
  if (options.node) app.use("/node/v1", nodeRoutes(options.node));
  if (options.images) app.use("/v2", options.images);
  if (options.web && trust.kind === "tokens")
    app.use(webRoutes({ services, routes, trust, stopping, ...options.web }));
  app.use(notFound);
  app.use(errorHandler(services.log));
  return app;
}
