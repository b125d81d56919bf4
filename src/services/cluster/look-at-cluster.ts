/** One look at a cluster: every API server, the endpoint, nodes, etcd and DNS, asked at the same time. */
import { z } from "zod";
import type {
  ApiServerStatus,
  ClusterFacts,
  ClusterStatus,
  NodeStatus,
} from "../../domain/cluster/cluster-status.ts";
import { problemsOf, summaryOf } from "../../domain/cluster/cluster-status.ts";
import { apiEndpointOf, type ClusterView, isNode, membersWith } from "../../domain/cluster/members.ts";
import { redundancyOf } from "../../domain/cluster/redundancy.ts";
import { attempt } from "./cluster-errors.ts";
import { lookAtEtcd } from "./look-at-etcd.ts";
import type { ClusterAccess, KubernetesAccess, KubernetesNode } from "./ports.ts";

/** What the appliance's own record says about a cluster. */
export interface RecordedPhase {
  readonly phase: ClusterFacts["phase"];
  readonly etcdClusterId?: string;
}

const NO_NODE = "there is no Node of this name";
const CONTROL_PLANE_PODS = "/api/v1/namespaces/kube-system/pods?labelSelector=tier%3Dcontrol-plane";

const podsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
      status: z
        .object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) })
        .prefault({}),
    }),
  ),
});

/** Looks once; never throws for a cluster that does not answer. */
export async function lookAtCluster(
  access: ClusterAccess,
  { cluster, recorded }: { readonly cluster: ClusterView; readonly recorded: RecordedPhase },
): Promise<Omit<ClusterStatus, "at">> {
  if (recorded.phase === "none") return judged(cluster, nothingYet(cluster), { running: {} });
  const [kubernetes, etcd] = await Promise.all([access.kubernetes(cluster), access.etcd(cluster)]);
  const [apiServers, endpoint, nodes, members, inside] = await Promise.all([
    apiServersOf(kubernetes, cluster),
    endpointOf(kubernetes, cluster),
    attempt(() => kubernetes.nodes()),
    lookAtEtcd(etcd, cluster),
    insideOf(kubernetes),
  ]);
  const found = nodes.ok ? nodes.value : [];
  const facts: ClusterFacts = {
    phase: recorded.phase,
    ...(endpoint ? { endpoint } : {}),
    apiServers,
    nodes: nodesOf(cluster, found, nodes.ok ? NO_NODE : "nobody can be asked"),
    strangers: found
      .map(({ name }) => name)
      .filter((name) => !cluster.members.some((each) => each.name === name)),
    ...(nodes.ok ? {} : { nodesProblem: nodes.problem }),
    etcd: members,
    ...(recorded.etcdClusterId === undefined ? {} : { recordedEtcdClusterId: recorded.etcdClusterId }),
    ...(inside.dns ? { dns: inside.dns } : {}),
  };
  return judged(cluster, facts, inside);
}

/** The status of a cluster that nobody has looked at yet. */
export function unseenStatus(cluster: ClusterView, recorded: RecordedPhase): ClusterStatus {
  return judged(cluster, { ...nothingYet(cluster), phase: recorded.phase }, { running: {} });
}

interface Inside {
  readonly dns?: { readonly wanted: number; readonly ready: number };
  /** Running pods of the control plane by component. */
  readonly running: Readonly<Record<string, number>>;
}

function judged(cluster: ClusterView, facts: ClusterFacts, inside: Inside): Omit<ClusterStatus, "at"> {
  const problems = facts.phase === "none" ? [] : problemsOf(facts);
  const voters = facts.etcd.members.filter(({ state }) => state !== "learner" && state !== "missing");
  return {
    ...facts,
    cluster: cluster.name,
    healthy: facts.phase === "initialised" && problems.length === 0,
    summary: summaryOf(facts, problems),
    problems,
    redundancy: redundancyOf({
      etcd: { members: voters.length, healthy: voters.filter(({ state }) => state === "healthy").length },
      apiServers: facts.apiServers.filter(({ health }) => health.kind === "ready").length,
      schedulers: inside.running["kube-scheduler"] ?? 0,
      controllerManagers: inside.running["kube-controller-manager"] ?? 0,
      dns: facts.dns?.ready ?? 0,
      balancers: balancersOf(cluster, facts),
    }),
  };
}

/** How many hosts can hold the endpoint; undefined where the appliance does not know what does. */
function balancersOf(cluster: ClusterView, { apiServers, endpoint }: ClusterFacts): number | undefined {
  const provider = cluster.spec.endpoint?.provider;
  if (provider === "external") return undefined;
  if (provider === "dedicated-haproxy")
    return endpoint?.health.kind === "ready" ? membersWith(cluster, "load-balancer").length : 0;
  return apiServers.filter(({ health }) => health.kind === "ready").length;
}

function nothingYet(cluster: ClusterView): ClusterFacts {
  return {
    phase: "none",
    apiServers: [],
    nodes: nodesOf(cluster, [], NO_NODE),
    strangers: [],
    etcd: { members: [] },
  };
}

async function apiServersOf(
  kubernetes: KubernetesAccess,
  cluster: ClusterView,
): Promise<readonly ApiServerStatus[]> {
  const port = cluster.spec.apiPort;
  return Promise.all(
    membersWith(cluster, "control-plane").map(async ({ name, address }) => ({
      machine: name,
      at: `${address}:${port}`,
      health: await kubernetes.readyz({ address, port }),
    })),
  );
}

async function endpointOf(
  kubernetes: KubernetesAccess,
  cluster: ClusterView,
): Promise<ClusterFacts["endpoint"]> {
  const endpoint = apiEndpointOf(cluster);
  if (!endpoint) return undefined;
  const { address, port } = endpoint;
  return { at: `${address}:${port}`, health: await kubernetes.readyz({ address, port }) };
}

/** @param missing why a Node is missing */
function nodesOf(
  cluster: ClusterView,
  found: readonly KubernetesNode[],
  missing: string,
): readonly NodeStatus[] {
  return cluster.members.filter(isNode).map((member) => {
    const node = found.find(({ name }) => name === member.name);
    return {
      name: member.name,
      state: node === undefined ? "missing" : node.ready ? "ready" : "not-ready",
      reason: node?.reason ?? missing,
      controlPlane: member.roles.includes("control-plane"),
      schedulable: node !== undefined && !node.unschedulable,
      kubeletVersion: node?.kubeletVersion ?? "",
      podCIDRs: node?.podCIDRs ?? [],
      address: node?.addresses[0] ?? member.address,
    };
  });
}

async function insideOf(kubernetes: KubernetesAccess): Promise<Inside> {
  const [dns, pods] = await Promise.all([
    attempt(() => kubernetes.deployment("kube-system", "coredns")),
    attempt(async () => podsSchema.parse((await kubernetes.get(CONTROL_PLANE_PODS)) ?? { items: [] }).items),
  ]);
  const running: Record<string, number> = {};
  for (const { metadata, status } of pods.ok ? pods.value : []) {
    const ready = status.conditions.some(({ type, status: is }) => type === "Ready" && is === "True");
    const component = metadata.labels.component ?? "";
    if (ready) running[component] = (running[component] ?? 0) + 1;
  }
  return { running, ...(dns.ok && dns.value ? { dns: dns.value } : {}) };
}
