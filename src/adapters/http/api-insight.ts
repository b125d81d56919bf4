/** Why a machine is where it is, and what it would be served. */

import { z } from "zod";
import { noMachine } from "./api-machines.ts";
import { type ApiRoute, json, problem, route } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";

/** What the diagnosis answers. */
export const diagnosisSchema = z.object({
  summary: z.string(),
  findings: z.array(
    z.object({
      level: z.enum(["ok", "info", "warning", "problem"]),
      message: z.string(),
      advice: z.string().optional(),
    }),
  ),
  nextBoot: z.object({ kind: z.string(), reason: z.string() }).optional(),
  packets: z.array(z.record(z.string(), z.unknown())),
});

/** Diagnosis and previews. */
export function insightRoutes(
  services: Pick<ControlServices, "machines" | "documents" | "diagnose">,
): readonly ApiRoute[] {
  const { machines, documents, diagnose } = services;
  return [
    route({
      id: "diagnoseMachine",
      method: "get",
      path: "/machines/{name}/diagnose",
      permission: "machines:read",
      tag: "machines",
      summary: "Why a machine is where it is",
      success: { 200: { description: "Findings, worst first", schema: "Diagnosis" } },
      handle: async ({ params }) => {
        const machine = machines.byName(params.name ?? "");
        return machine ? json(await diagnose(machine)) : noMachine(params.name);
      },
    }),
    route({
      id: "renderDocument",
      method: "get",
      path: "/machines/{name}/render/{document}",
      permission: "documents:render",
      tag: "machines",
      summary: "Exactly what a machine would be served, its one-time secrets left out",
      success: { 200: { description: "The document", contentType: "text/plain" } },
      handle: async ({ params }) => {
        const machine = machines.byName(params.name ?? "");
        if (!machine) return noMachine(params.name);
        const document = await documents.render(machine, params.document ?? "");
        if (document) return { kind: "text", contentType: "text/plain; charset=utf-8", body: document.text };
        return problem({
          code: "not-found",
          detail: `there is no document named ${params.document ?? ""}`,
          hint: `known are ${documents.names.join(", ")}`,
        });
      },
    }),
  ];
}
