/** /api/v1/assets: what machines boot from. */
import { z } from "zod";
import { type ApiRoute, json, route } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";

const pullSchema = z.strictObject({
  os: z
    .string()
    .regex(
      /^(debian-(12|13)|kubernetes-\d+\.\d+\.\d+)$/,
      "expected debian-12, debian-13, or a release such as kubernetes-1.36.3",
    ),
  architecture: z.enum(["amd64", "arm64"]).default("amd64"),
  firmwarePackages: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, "expected a package name"))
    .default([]),
  wait: z
    .boolean()
    .default(false)
    .meta({ description: "Answer when the pull has ended, not when it has begun" }),
});

/** A boot asset on disk. */
export const assetSchema = z.object({
  os: z.string(),
  architecture: z.string(),
  name: z.string(),
  path: z.string(),
  version: z.string(),
  sha256: z.string(),
  bytes: z.int(),
  fetchedAt: z.int(),
});

/** How far a pull is. */
export const pullSchemaReply = z.object({
  os: z.string(),
  architecture: z.string(),
  status: z.object({
    kind: z.enum(["ready", "pulling", "missing"]),
    progress: z.number().optional(),
    what: z.string().optional(),
    reason: z.string().optional(),
  }),
});

/** The result of hashing one file again. */
export const assetCheckSchema = z.object({
  record: assetSchema,
  result: z.enum(["intact", "missing", "changed"]),
});

/** List, pull, verify. */
export function assetRoutes({ assets }: Pick<ControlServices, "assets">): readonly ApiRoute[] {
  return [
    route({
      id: "listAssets",
      method: "get",
      path: "/assets",
      permission: "assets:read",
      tag: "assets",
      summary: "List boot assets",
      success: { 200: { description: "Files on disk", schema: "AssetList" } },
      handle: async () => json({ items: await assets.list() }),
    }),
    route({
      id: "pullAssets",
      method: "post",
      path: "/assets/pull",
      permission: "assets:write",
      tag: "assets",
      summary: "Pull what an operating system's installer needs, or a Kubernetes release with its images",
      body: pullSchema,
      success: {
        200: { description: "It is there", schema: "Pull" },
        202: {
          description: "The pull has begun; ask again with the same body to see how far it is",
          schema: "Pull",
        },
      },
      example: { os: "debian-13" },
      handle: async ({ body: { wait, ...need }, signal }) => {
        if (wait) await assets.pull({ need, signal });
        else assets.ensure(need);
        const status = assets.status(need);
        return json(
          { os: need.os, architecture: need.architecture, status },
          status.kind === "ready" ? 200 : 202,
        );
      },
    }),
    route({
      id: "verifyAssets",
      method: "post",
      path: "/assets/verify",
      permission: "assets:write",
      tag: "assets",
      summary: "Hash every boot asset again",
      body: z.strictObject({}),
      success: { 200: { description: "Every file and what became of it", schema: "AssetCheckList" } },
      handle: async () => json({ items: await assets.verify() }),
    }),
  ];
}
