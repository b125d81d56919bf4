/** /metrics, for whoever may read the status. */
import type { RequestHandler } from "express";
import type { Metrics } from "../telemetry/metrics.ts";
import { admit, lackOf, type Trust } from "./principal.ts";
import { sendProblem } from "./problem.ts";

/** Answers in the text format of Prometheus, which can send a bearer token. */
export function metricsRoute(metrics: Pick<Metrics, "expose">, trust: Trust): RequestHandler {
  return async (request, response) => {
    const admitted = admit(request, trust);
    const problem =
      admitted.kind === "refused" ? admitted.problem : lackOf(admitted.principal, "status:read");
    if (problem) {
      sendProblem(response, problem);
      return;
    }
    const { contentType, text } = await metrics.expose();
    response.set("Cache-Control", "no-store").set("Content-Type", contentType).send(text);
  };
}
