/** The named schemas of answers; routes refer to them by these names. */
import { z } from "zod";
import { addonSchema, addonStatusSchema } from "./api-addons.ts";
import { leaseSchema, statusSchema, unknownSchema } from "./api-appliance.ts";
import { assetCheckSchema, assetSchema, pullSchemaReply } from "./api-assets.ts";
import { clusterTurnsSchema } from "./api-cluster-turns.ts";
import { clusterPkiSchema, clusterStatusSchema, kubeconfigSchema } from "./api-clusters.ts";
import { diagnosisSchema } from "./api-insight.ts";
import { applyPlanSchema, clusterViewSchema, profileViewSchema } from "./api-resources.ts";
import { newTokenSchema, tokenSchema } from "./api-tokens.ts";
import { machineViewSchema } from "./machine-view.ts";
import { PROBLEM_CODES } from "./problem.ts";

const eventSchema = z.object({
  id: z.int(),
  at: z.int().meta({ description: "Epoch milliseconds" }),
  type: z.string(),
  level: z.enum(["info", "warning", "alarm"]),
  source: z.string(),
  machine: z.string().optional(),
  mac: z.string().optional(),
  message: z.string(),
  data: z.record(z.string(), z.unknown()).optional(),
});

const logLineSchema = z.object({
  id: z.int(),
  machine: z.string(),
  generation: z.int(),
  at: z.int(),
  program: z.string(),
  text: z.string(),
});

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(PROBLEM_CODES as [string, ...string[]]),
  detail: z.string(),
  faults: z.array(z.object({ path: z.string(), message: z.string(), line: z.int().optional() })).optional(),
  hint: z.string().optional(),
  requestId: z.string(),
});

const listOf = (item: z.ZodType) =>
  z.object({
    items: z.array(item),
    next: z.string().optional().meta({ description: "Pass as `after` for the next page" }),
  });

/** By name, as `#/components/schemas/<name>`. */
export const COMPONENTS: Readonly<Record<string, z.ZodType>> = {
  Machine: machineViewSchema,
  MachineList: listOf(machineViewSchema),
  ApplyPlan: applyPlanSchema,
  Cluster: clusterViewSchema,
  ClusterList: listOf(clusterViewSchema),
  Profile: profileViewSchema,
  ProfileList: listOf(profileViewSchema),
  ClusterStatus: clusterStatusSchema,
  ClusterPki: clusterPkiSchema,
  ClusterTurns: clusterTurnsSchema,
  Kubeconfig: kubeconfigSchema,
  AddonList: listOf(addonSchema),
  AddonStatusList: listOf(addonStatusSchema),
  Diagnosis: diagnosisSchema,
  Event: eventSchema,
  EventList: listOf(eventSchema),
  LogLine: logLineSchema,
  LogList: listOf(logLineSchema),
  Lease: leaseSchema,
  LeaseList: listOf(leaseSchema),
  Unknown: unknownSchema,
  UnknownList: listOf(unknownSchema),
  Status: statusSchema,
  Config: z.record(z.string(), z.unknown()),
  Asset: assetSchema,
  AssetList: listOf(assetSchema),
  AssetCheckList: listOf(assetCheckSchema),
  Pull: pullSchemaReply,
  Token: tokenSchema,
  TokenList: listOf(tokenSchema),
  NewToken: newTokenSchema,
  OpenApi: z.record(z.string(), z.unknown()),
  Problem: problemSchema,
};
