/** The parts of Kubernetes objects that the appliance reads; everything else in them is ignored. */
import { z } from "zod";
import type { KubernetesNode, SigningRequest } from "../../services/cluster/ports.ts";

const metadata = z.object({
  name: z.string(),
  namespace: z.string().default("default"),
  uid: z.string().default(""),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  deletionTimestamp: z.string().optional(),
  ownerReferences: z
    .array(z.object({ kind: z.string(), controller: z.boolean().default(false) }))
    .default([]),
});

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(""),
  message: z.string().default(""),
  lastTransitionTime: z.string().optional(),
});

const nodeSchema = z.object({
  metadata,
  spec: z
    .object({
      unschedulable: z.boolean().default(false),
      podCIDR: z.string().optional(),
      podCIDRs: z.array(z.string()).optional(),
    })
    .prefault({}),
  status: z
    .object({
      conditions: z.array(condition).default([]),
      addresses: z.array(z.object({ type: z.string(), address: z.string() })).default([]),
      nodeInfo: z.object({ kubeletVersion: z.string().default("") }).prefault({}),
    })
    .prefault({}),
});

export const podListSchema = z.object({
  items: z.array(z.object({ metadata, status: z.object({ phase: z.string().default("") }).prefault({}) })),
});
export type Pod = z.output<typeof podListSchema>["items"][number];

export const secretListSchema = z.object({
  items: z.array(z.object({ data: z.record(z.string(), z.string()).default({}) })),
});

export const deploymentSchema = z.object({
  spec: z.object({ replicas: z.number().default(1) }).prefault({}),
  status: z.object({ readyReplicas: z.number().default(0) }).prefault({}),
});

export const resourceListSchema = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});

const signingRequestSchema = z.object({
  metadata,
  spec: z.object({
    request: z.string(),
    signerName: z.string(),
    username: z.string().default(""),
    groups: z.array(z.string()).default([]),
    usages: z.array(z.string()).default([]),
  }),
  status: z.object({ conditions: z.array(condition).default([]) }).prefault({}),
});

const CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane";

/** A Node as the appliance sees it. */
export function readNode(value: unknown): KubernetesNode {
  const { metadata: meta, spec, status } = nodeSchema.parse(value);
  const ready = status.conditions.find(({ type }) => type === "Ready");
  const since = ready?.lastTransitionTime === undefined ? Number.NaN : Date.parse(ready.lastTransitionTime);
  return {
    name: meta.name,
    uid: meta.uid,
    ready: ready?.status === "True",
    reason: ready === undefined ? "" : ready.message === "" ? ready.reason : ready.message,
    ...(Number.isNaN(since) ? {} : { since }),
    unschedulable: spec.unschedulable,
    controlPlane: CONTROL_PLANE_LABEL in meta.labels,
    addresses: status.addresses.filter(({ type }) => type === "InternalIP").map(({ address }) => address),
    podCIDRs: spec.podCIDRs ?? (spec.podCIDR === undefined ? [] : [spec.podCIDR]),
    kubeletVersion: status.nodeInfo.kubeletVersion,
    labels: meta.labels,
  };
}

/** The items of a list object. */
export function readItems(value: unknown): readonly unknown[] {
  return z.object({ items: z.array(z.unknown()) }).parse(value).items;
}

/** A CertificateSigningRequest as the appliance sees it. */
export function readSigningRequest(value: unknown): SigningRequest {
  const { metadata: meta, spec, status } = signingRequestSchema.parse(value);
  const has = (type: string): boolean => status.conditions.some((each) => each.type === type);
  return {
    name: meta.name,
    signer: spec.signerName,
    username: spec.username,
    groups: spec.groups,
    usages: spec.usages,
    request: Buffer.from(spec.request, "base64").toString("utf8"),
    state: has("Denied") ? "denied" : has("Failed") ? "failed" : has("Approved") ? "approved" : "pending",
  };
}
