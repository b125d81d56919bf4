/** The API describes itself. */
import { type ApiRoute, json, route } from "./api-route.ts";

/** `openapi.json`; the document is made when it is first asked for, because it holds this very route too. */
export function selfDescription(document: () => Readonly<Record<string, unknown>>): ApiRoute {
  return route({
    id: "getOpenApi",
    method: "get",
    path: "/openapi.json",
    permission: "anyone",
    tag: "appliance",
    summary: "This document",
    success: { 200: { description: "OpenAPI 3.1", schema: "OpenApi" } },
    handle: () => json(document()),
  });
}
