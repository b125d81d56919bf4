/** /healthz and /readyz, the same on both planes. */
import type { RequestHandler } from "express";
import { type ApplianceStatus, isReady } from "./appliance-status.ts";

/** Alive: the process answers. The `Date` header also sets a machine's dead clock. */
export const healthz: RequestHandler = (_request, response) => {
  response.set("Cache-Control", "no-store").type("text/plain").send("ok\n");
};

/** Ready: 200 when every check is good or merely degraded, 503 with the reasons otherwise. */
export function readyz(status: () => Promise<ApplianceStatus>): RequestHandler {
  return async (_request, response) => {
    const now = await status();
    const ready = isReady(now);
    response
      .status(ready ? 200 : 503)
      .set("Cache-Control", "no-store")
      .json({ ready, checks: now.checks, listeners: now.listeners });
  };
}
