/** /api/v1/apply, /clusters, /profiles, /resources: the documents that describe the rack. */
import { z } from "zod";
import { RESOURCE_KINDS, type ResourceDocument, type StoredResource } from "../../domain/cluster/resource.ts";
import { LIFECYCLE_STATES } from "../../domain/machine.ts";
import { ROLES } from "../../domain/machine-spec.ts";
import type { TokenRole } from "../../services/permissions.ts";
import { changesNothing } from "../../services/resources/apply-plan.ts";
import { forOnlookers, withoutSecrets } from "../../services/resources/field-changes.ts";
import { readDocuments, readValues } from "../../services/resources/read-documents.ts";
import { type ApiRoute, json, problem, route } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";
import type { Principal } from "./principal.ts";

type Services = Pick<ControlServices, "machines" | "resources">;

/** Documents of a rack of thousands of machines. */
const MAX_DOCUMENTS_BYTES = 8 * 1024 * 1024;

const applySchema = z
  .strictObject({
    files: z
      .array(z.strictObject({ name: z.string().min(1), text: z.string() }))
      .optional()
      .meta({ description: "YAML texts, each with the name by which faults refer to it" }),
    documents: z
      .array(z.unknown())
      .optional()
      .meta({ description: "Documents as JSON, instead of texts", example: [] }),
    dryRun: z.boolean().default(false).meta({ description: "Only say what would be done" }),
  })
  .refine(({ files, documents }) => (files === undefined) !== (documents === undefined), {
    message: "give either files or documents",
  });

const fieldChangeSchema = z.object({
  path: z.string(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});

const prospectFields = {
  serves: z.string().meta({ description: "What its next network boot gets, and why" }),
  installs: z.string().meta({ description: "What the next installation puts on it" }),
  wipes: z.string().meta({ description: "What the next installation may overwrite" }),
  joins: z.string().meta({ description: "Its cluster, roles and address there" }),
};

/** What applying does or would do. */
export const applyPlanSchema = z.object({
  applied: z
    .boolean()
    .meta({ description: "Something was changed: false for a dry run, and when all was so" }),
  resources: z.array(
    z.object({
      kind: z.enum(RESOURCE_KINDS),
      name: z.string(),
      action: z.enum(["create", "change", "unchanged", "delete"]),
      changes: z.array(fieldChangeSchema),
    }),
  ),
  machines: z.array(
    z.object({
      name: z.string(),
      action: z.enum(["register", "change", "unchanged", "forget"]),
      state: z.enum(LIFECYCLE_STATES).optional(),
      changes: z.array(fieldChangeSchema),
      ...prospectFields,
      now: z
        .object(prospectFields)
        .optional()
        .meta({ description: "The same as things are now; absent for a new machine" }),
      payload: z
        .array(z.string())
        .optional()
        .meta({ description: "What differs in the node payload of a member that stays one" }),
    }),
  ),
  warnings: z.array(
    z.object({
      path: z.string(),
      message: z.string(),
      file: z.string().optional(),
      line: z.int().optional(),
      column: z.int().optional(),
    }),
  ),
});

const resourceSchema = z.object({
  kind: z.enum(RESOURCE_KINDS),
  name: z.string(),
  revision: z.int(),
  updatedAt: z.int().meta({ description: "Epoch milliseconds" }),
  spec: z.record(z.string(), z.unknown()).meta({ description: "As it was written" }),
});

/** A profile as it was applied. */
export const profileViewSchema = resourceSchema;

/** A cluster with its members. */
export const clusterViewSchema = resourceSchema.extend({
  effective: z.record(z.string(), z.unknown()).meta({ description: "The spec with every default filled in" }),
  members: z.array(
    z.object({
      name: z.string(),
      roles: z.array(z.enum(ROLES)),
      address: z.string(),
      state: z.enum(LIFECYCLE_STATES).optional(),
    }),
  ),
});

/** Apply, read, delete. */
export function resourceRoutes({ machines, resources }: Services): readonly ApiRoute[] {
  const clusterOf = (resource: StoredResource, { role }: Principal) => {
    const view = resources.clusters.get(resource.name);
    return {
      ...shown(resource, role),
      effective: visible(view?.spec ?? {}, role),
      members: (view?.members ?? []).map(({ name, roles, address }) => {
        const state = machines.byName(name)?.state;
        return { name, roles, address, ...(state === undefined ? {} : { state }) };
      }),
    };
  };
  return [
    route({
      id: "applyResources",
      method: "post",
      path: "/apply",
      permission: "machines:install",
      maxBodyBytes: MAX_DOCUMENTS_BYTES,
      tag: "resources",
      summary: "Make documents true, all of them or none; the same ones again change nothing",
      body: applySchema,
      success: { 200: { description: "What was done, or would be", schema: "ApplyPlan" } },
      example: { documents: [EXAMPLE], dryRun: true },
      handle: async ({ body, principal }) => {
        const read = body.files ? readDocuments(body.files) : readValues(body.documents ?? []);
        if (body.dryRun) return json({ applied: false, ...resources.plan(read) });
        const plan = await resources.apply(read, principal.source);
        return json({ applied: !changesNothing(plan), ...plan });
      },
    }),
    route({
      id: "listClusters",
      method: "get",
      path: "/clusters",
      permission: "machines:read",
      tag: "resources",
      summary: "List clusters and their members",
      success: { 200: { description: "Every cluster", schema: "ClusterList" } },
      handle: ({ principal }) =>
        json({ items: resources.list("Cluster").map((each) => clusterOf(each, principal)) }),
    }),
    route({
      id: "getCluster",
      method: "get",
      path: "/clusters/{name}",
      permission: "machines:read",
      tag: "resources",
      summary: "Get a cluster and its members",
      success: { 200: { description: "The cluster", schema: "Cluster" } },
      handle: ({ params, principal }) => {
        const resource = resources.get("Cluster", params.name ?? "");
        return resource ? json(clusterOf(resource, principal)) : missing("cluster", params.name);
      },
    }),
    route({
      id: "listProfiles",
      method: "get",
      path: "/profiles",
      permission: "machines:read",
      tag: "resources",
      summary: "List profiles",
      success: { 200: { description: "Every profile", schema: "ProfileList" } },
      handle: ({ principal }) =>
        json({ items: resources.list("Profile").map((each) => shown(each, principal.role)) }),
    }),
    route({
      id: "getProfile",
      method: "get",
      path: "/profiles/{name}",
      permission: "machines:read",
      tag: "resources",
      summary: "Get a profile",
      success: { 200: { description: "The profile", schema: "Profile" } },
      handle: ({ params, principal }) => {
        const resource = resources.get("Profile", params.name ?? "");
        return resource ? json(shown(resource, principal.role)) : missing("profile", params.name);
      },
    }),
    deleteRoute({ resources }),
  ];
}

function deleteRoute({ resources }: Pick<Services, "resources">): ApiRoute {
  return route({
    id: "deleteResource",
    method: "delete",
    path: "/resources/{kind}/{name}",
    permission: "machines:install",
    tag: "resources",
    summary: "Drop a document, and the machines that only it describes",
    success: { 200: { description: "What was done", schema: "ApplyPlan" } },
    handle: async ({
      params,
      principal,
    }: {
      params: Readonly<Record<string, string>>;
      principal: Principal;
    }) => {
      const kind = RESOURCE_KINDS.find((each) => each.toLowerCase() === params["kind"]?.toLowerCase());
      if (!kind) {
        const detail = `${params["kind"] ?? ""} is no kind of document; there are ${RESOURCE_KINDS.join(", ")}`;
        return problem({ code: "not-found", detail });
      }
      const plan = await resources.remove(kind, params["name"] ?? "", principal.source);
      return json({ applied: true, ...plan });
    },
  });
}

function shown(resource: StoredResource, role: TokenRole): StoredResource {
  return { ...resource, spec: visible(resource.spec, role) as StoredResource["spec"] };
}

function visible(spec: unknown, role: TokenRole): unknown {
  return role === "viewer" ? forOnlookers(spec) : withoutSecrets(spec);
}

function missing(kind: string, name: string | undefined) {
  return problem({ code: "not-found", detail: `there is no ${kind} named ${name ?? ""}` });
}

const EXAMPLE: ResourceDocument = {
  apiVersion: "muster/v1",
  kind: "Machine",
  metadata: { name: "kube0" },
  spec: { mac: "52:54:00:12:34:01" },
};
