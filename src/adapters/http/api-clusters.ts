/** /api/v1/clusters/{name}/…: how a cluster is, its certificates, a kubeconfig, a copy of its etcd. */
import { Readable } from "node:stream";
import { z } from "zod";
import type { ClusterView } from "../../domain/cluster/members.ts";
import { ROTATION_STEPS } from "../../services/cluster/pki-rotation.ts";
import { type ApiRoute, type Call, json, problem, type Reply, route } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";

type Services = Pick<ControlServices, "resources" | "clusters" | "clock">;

/** X.509 allows a common name 64 characters. */
const subjectPart = z.string().min(1).max(64);
const MAX_LIFETIME_SECONDS = 3650 * 86_400;

const kubeconfigRequestSchema = z.strictObject({
  user: subjectPart
    .optional()
    .meta({ description: "Name in Kubernetes' audit log; kubernetes-admin if left out" }),
  groups: z
    .array(subjectPart)
    .max(16)
    .optional()
    .meta({ description: "Groups that RBAC knows; kubeadm:cluster-admins if left out" }),
  lifetimeSeconds: z
    .int()
    .min(60)
    .max(MAX_LIFETIME_SECONDS)
    .optional()
    .meta({ description: "30 days if left out" }),
});

const rotationSchema = z.strictObject({ step: z.enum(ROTATION_STEPS) });
const time = z.int().meta({ description: "Epoch milliseconds" });

/** A kubeconfig just signed. */
export const kubeconfigSchema = z.object({
  text: z.string().meta({ description: "The kubeconfig itself; it holds a private key" }),
  user: z.string(),
  groups: z.array(z.string()),
  expiresAt: time,
});

/** A cluster's authorities. */
export const clusterPkiSchema = z.object({
  cluster: z.string(),
  phase: z.enum(["stable", "trusting", "signing"]),
  advice: z.string(),
  authorities: z.array(
    z.object({
      name: z.string(),
      signs: z.boolean(),
      subject: z.string(),
      fingerprint: z.string(),
      pin: z.string(),
      notBefore: time,
      notAfter: time,
    }),
  ),
});

const apiHealthSchema = z.object({
  kind: z.enum(["ready", "not-ready", "foreign", "unreachable"]),
  failing: z.array(z.string()).optional(),
  issuer: z.string().optional(),
  reason: z.string().optional(),
});

/** How a cluster is. */
export const clusterStatusSchema = z.object({
  cluster: z.string(),
  at: time.optional(),
  phase: z.enum(["none", "initialising", "initialised"]),
  healthy: z.boolean(),
  summary: z.string(),
  problems: z.array(z.string()),
  redundancy: z.array(
    z.object({
      component: z.string(),
      present: z.int(),
      wanted: z.int(),
      holds: z.boolean(),
      spare: z.int().meta({ description: "How many may be lost now" }),
      effectOfLoss: z.string(),
    }),
  ),
  endpoint: z.object({ at: z.string(), health: apiHealthSchema }).optional(),
  apiServers: z.array(z.object({ machine: z.string(), at: z.string(), health: apiHealthSchema })),
  nodes: z.array(
    z.object({
      name: z.string(),
      state: z.enum(["ready", "not-ready", "missing"]),
      reason: z.string(),
      controlPlane: z.boolean(),
      schedulable: z.boolean(),
      kubeletVersion: z.string(),
      podCIDRs: z.array(z.string()),
      address: z.string(),
    }),
  ),
  nodesProblem: z.string().optional(),
  strangers: z.array(z.string()),
  etcd: z.object({
    clusterId: z.string().optional(),
    problem: z.string().optional(),
    members: z.array(
      z.object({
        name: z.string(),
        id: z.string(),
        state: z.enum(["healthy", "unhealthy", "unreachable", "learner", "missing"]),
        leader: z.boolean(),
        version: z.string(),
        dbBytes: z.int(),
        problems: z.array(z.string()),
      }),
    ),
  }),
  recordedEtcdClusterId: z.string().optional(),
  dns: z.object({ wanted: z.int(), ready: z.int() }).optional(),
});

/** Status, kubeconfig, PKI, backup. */
export function clusterRoutes(services: Services): readonly ApiRoute[] {
  const { clusters } = services;
  const of = ofCluster(services);
  return [
    route({
      id: "clusterStatus",
      method: "get",
      path: "/clusters/{name}/status",
      permission: "status:read",
      tag: "clusters",
      summary: "How a cluster is, looked at now",
      success: { 200: { description: "Health, problems, redundancy", schema: "ClusterStatus" } },
      handle: of(async (cluster) => json(await clusters.status(cluster))),
    }),
    route({
      id: "makeKubeconfig",
      method: "post",
      path: "/clusters/{name}/kubeconfig",
      permission: "clusters:admin",
      tag: "clusters",
      summary: "Sign a kubeconfig",
      body: kubeconfigRequestSchema,
      success: { 201: { description: "A kubeconfig on a new key", schema: "Kubeconfig" } },
      example: { user: "jane", groups: ["team-a"], lifetimeSeconds: 28_800 },
      handle: of(async (cluster, { body: { lifetimeSeconds, ...request }, principal }) => {
        const lifetimeMs = lifetimeSeconds === undefined ? undefined : lifetimeSeconds * 1000;
        return json(await clusters.kubeconfig(cluster, { ...request, lifetimeMs }, principal.source), 201);
      }),
    }),
    route({
      id: "clusterPki",
      method: "get",
      path: "/clusters/{name}/pki",
      permission: "status:read",
      tag: "clusters",
      summary: "A cluster's certificate authorities",
      success: { 200: { description: "Authorities without their keys", schema: "ClusterPki" } },
      handle: of(async (cluster) => json(await clusters.pki(cluster))),
    }),
    route({
      id: "rotateClusterPki",
      method: "post",
      path: "/clusters/{name}/pki/rotate",
      permission: "clusters:admin",
      tag: "clusters",
      summary: "Take the next step of replacing a cluster's authorities",
      body: rotationSchema,
      success: { 200: { description: "Where the rotation stands", schema: "ClusterPki" } },
      example: { step: "trust" },
      handle: of(async (cluster, { body, principal }) =>
        json(await clusters.rotate(cluster, body.step, principal.source)),
      ),
    }),
    route({
      id: "backupCluster",
      method: "get",
      path: "/clusters/{name}/backup",
      permission: "backup:read",
      audited: true,
      tag: "clusters",
      summary: "Download a snapshot of a cluster's etcd; it holds every secret of the cluster",
      success: {
        200: { description: "As etcdctl writes it", contentType: "application/octet-stream" },
      },
      handle: of(async (cluster) => ({
        kind: "file",
        stream: Readable.from(await clusters.snapshot(cluster)),
        filename: `${cluster.name}-${stamp(services.clock.now())}.etcd`,
      })),
    }),
  ];
}

/** Wraps a handler that works on the cluster which the path names. */
export function ofCluster({ resources }: Pick<ControlServices, "resources">) {
  return <Query, Body>(handle: (cluster: ClusterView, call: Call<Query, Body>) => Promise<Reply>) =>
    async (call: Call<Query, Body>): Promise<Reply> => {
      const name = call.params.name ?? "";
      const cluster = resources.clusters.get(name);
      if (cluster) return handle(cluster, call);
      const known = resources.clusters.list().map((each) => each.name);
      return problem({
        code: "not-found",
        detail: `there is no cluster ${name}`,
        hint: known.length === 0 ? "none was applied yet" : `there is ${known.join(", ")}`,
      });
    };
}

/** `20261121-093005`, UTC. */
function stamp(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
}
