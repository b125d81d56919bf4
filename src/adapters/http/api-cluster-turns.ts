/** /api/v1/clusters/{name}/turn…: who initialises and joins, and what a person decides about it. */
import { z } from "zod";
import { ofCluster } from "./api-clusters.ts";
import { type ApiRoute, json, route } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";

type Services = Pick<ControlServices, "resources" | "clusterTurns">;

const machineName = z.string().min(1).max(63);
const time = z.int().meta({ description: "Epoch milliseconds" });

/** Who holds which turn. */
export const clusterTurnsSchema = z.object({
  cluster: z.string(),
  phase: z.enum(["none", "initialising", "initialised"]),
  initialiser: z.string().optional(),
  since: time.optional(),
  etcdClusterId: z.string().optional(),
  frozen: z.string().optional().meta({ description: "Why nobody gets a turn until a person has looked" }),
  addons: z.string(),
  machines: z.array(
    z.object({
      machine: z.string(),
      roles: z.array(z.string()),
      state: z.string(),
      turn: z.enum(["init", "join", "member", "none"]),
      since: time.optional(),
      deadline: time.optional(),
      told: z.string().optional().meta({ description: "What it was told last" }),
      toldAt: time.optional(),
    }),
  ),
});

const giveInitSchema = z.strictObject({
  to: machineName.meta({ description: "Control plane that initialises from now on" }),
  confirmGone: machineName.meta({
    description: "Present holder of the turn, which never comes back as it was",
  }),
});
const unfreezeSchema = z.strictObject({
  etcdClusterId: z
    .string()
    .regex(/^[0-9a-f]{1,16}$/, "expected the hexadecimal id of an etcd cluster")
    .optional()
    .meta({ description: "The right etcd from now on, as after a restore of a snapshot" }),
});

/** GET turn, POST give-init and POST unfreeze. */
export function clusterTurnRoutes(services: Services): readonly ApiRoute[] {
  const { clusterTurns } = services;
  const of = ofCluster(services);
  const success = { 200: { description: "Who holds which turn", schema: "ClusterTurns" } };
  return [
    route({
      id: "clusterTurns",
      method: "get",
      path: "/clusters/{name}/turn",
      permission: "machines:read",
      tag: "clusters",
      summary: "Who initialises or joins, since when, and why the others wait",
      success,
      handle: of((cluster) => Promise.resolve(json(clusterTurns.view(cluster)))),
    }),
    route({
      id: "giveInitTurn",
      method: "post",
      path: "/clusters/{name}/give-init",
      permission: "clusters:admin",
      tag: "clusters",
      summary: "Give the turn to initialise to another control plane because its holder is gone for good",
      body: giveInitSchema,
      success,
      example: { to: "kube1", confirmGone: "kube0" },
      handle: of(async (cluster, { body, principal }) => {
        await clusterTurns.giveInit(cluster.name, body, principal.source);
        return json(clusterTurns.view(cluster));
      }),
    }),
    route({
      id: "unfreezeCluster",
      method: "post",
      path: "/clusters/{name}/unfreeze",
      permission: "clusters:admin",
      tag: "clusters",
      summary: "Let a frozen cluster go on",
      body: unfreezeSchema,
      success,
      example: { etcdClusterId: "cdf818194e3a8c32" },
      handle: of(async (cluster, { body, principal }) => {
        await clusterTurns.unfreeze(cluster.name, body, principal.source);
        return json(clusterTurns.view(cluster));
      }),
    }),
  ];
}
