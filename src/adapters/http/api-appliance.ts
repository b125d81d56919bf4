/** The appliance itself: status, configuration, backup; and what it sees of the network: leases, unknown MACs. */
import { z } from "zod";
import { LIFECYCLE_STATES } from "../../domain/machine.ts";
import type { Registry } from "../../services/registry.ts";
import { type ApiRoute, json, route } from "./api-route.ts";
import { isReady } from "./appliance-status.ts";
import type { ControlServices } from "./control-ports.ts";
import { limitSchema, pageOf } from "./paging.ts";

type Services = Pick<ControlServices, "machines" | "leases" | "status" | "config" | "backup">;

/** A DHCP lease. */
export const leaseSchema = z.object({
  address: z.string(),
  client: z.string(),
  mac: z.string().optional(),
  machine: z.string().optional(),
  hostname: z.string().optional(),
  state: z.enum(["bound", "released", "declined"]),
  startsAt: z.int(),
  expiresAt: z.int(),
});

/** A MAC that asked and that nobody registered. */
export const unknownSchema = z.object({
  mac: z.string(),
  firstSeenAt: z.int(),
  lastSeenAt: z.int(),
  count: z.int(),
  address: z.string().optional(),
  architecture: z.int().optional(),
  vendorClass: z.string().optional(),
});

/** How the appliance is. */
export const statusSchema = z.object({
  version: z.string(),
  startedAt: z.int(),
  ready: z.boolean(),
  address: z.string().optional(),
  dhcpMode: z.enum(["off", "proxy", "server"]),
  machines: z.record(z.enum(LIFECYCLE_STATES), z.int()).meta({ description: "How many are in each state" }),
  listeners: z.array(
    z.object({
      name: z.string(),
      state: z.enum(["off", "listening", "degraded"]),
      endpoints: z.array(z.string()).optional(),
      problem: z.string().optional(),
    }),
  ),
  checks: z.array(
    z.object({
      name: z.string(),
      state: z.enum(["ok", "degraded", "failed"]),
      reason: z.string().optional(),
    }),
  ),
  rivals: z.array(z.object({ address: z.string(), seenAt: z.int() })),
});

/** Read-only facts about the appliance and its network. */
export function applianceRoutes(services: Services): readonly ApiRoute[] {
  return [...networkRoutes(services), ...selfRoutes(services)];
}

function networkRoutes({ machines, leases }: Services): readonly ApiRoute[] {
  return [
    route({
      id: "listLeases",
      method: "get",
      path: "/leases",
      permission: "leases:read",
      tag: "network",
      summary: "List DHCP leases",
      query: z.strictObject({ after: z.string().optional(), limit: limitSchema }),
      success: { 200: { description: "Leases, by address", schema: "LeaseList" } },
      handle: async ({ query }) => {
        const all = [...(await leases.all())].sort((a, b) =>
          sortKey(a.address).localeCompare(sortKey(b.address)),
        );
        const keyOf = (lease: { readonly address: string }): string => sortKey(lease.address);
        const after = query.after === undefined ? undefined : sortKey(query.after);
        const page = pageOf(all, { after, limit: query.limit, keyOf });
        const last = page.items.at(-1);
        return json({
          items: page.items.map((lease) => ({ ...lease, machine: machines.byMac(lease.mac ?? "")?.name })),
          ...(page.next === undefined ? {} : { next: last?.address }),
        });
      },
    }),
    route({
      id: "listUnknown",
      method: "get",
      path: "/unknown",
      permission: "machines:read",
      tag: "network",
      summary: "List MACs that asked and that nobody registered",
      success: { 200: { description: "Newest first", schema: "UnknownList" } },
      handle: () => json({ items: unknownList(machines) }),
    }),
  ];
}

function selfRoutes({ machines, status, config, backup }: Services): readonly ApiRoute[] {
  return [
    route({
      id: "getStatus",
      method: "get",
      path: "/status",
      permission: "status:read",
      tag: "appliance",
      summary: "How the appliance is",
      success: { 200: { description: "Listeners, checks, counts", schema: "Status" } },
      handle: async () => {
        const now = await status();
        return json({ ...now, ready: isReady(now), machines: countByState(machines) });
      },
    }),
    route({
      id: "getConfig",
      method: "get",
      path: "/config",
      permission: "config:read",
      tag: "appliance",
      summary: "The effective configuration, secrets left out",
      success: { 200: { description: "As `muster config show` prints it", schema: "Config" } },
      handle: () => json(config),
    }),
    route({
      id: "getBackup",
      method: "get",
      path: "/backup",
      permission: "backup:read",
      audited: true,
      tag: "appliance",
      summary: "The whole state as one file",
      success: { 200: { description: "For `muster restore`", contentType: "application/octet-stream" } },
      handle: async () => ({ kind: "file", ...(await backup()) }),
    }),
  ];
}

/** How many machines are in each state, states without any included. */
export function countByState(machines: Pick<Registry, "list">): Readonly<Record<string, number>> {
  const counts = new Map<string, number>(LIFECYCLE_STATES.map((state) => [state, 0]));
  for (const { state } of machines.list()) counts.set(state, (counts.get(state) ?? 0) + 1);
  return Object.fromEntries(counts);
}

function unknownList(machines: Pick<Registry, "unknown">): readonly object[] {
  return machines.unknown().map(({ sighting: { at, ...sighting }, firstSeenAt, count }) => ({
    ...sighting,
    firstSeenAt,
    lastSeenAt: at,
    count,
  }));
}

/** IPv4 addresses in numeric order: each octet padded. */
function sortKey(address: string): string {
  return address
    .split(".")
    .map((octet) => octet.padStart(3, "0"))
    .join(".");
}
