/** What the page of a cluster shows, computed here so that the template only lays it out. */
import { type ApiHealth, type ClusterStatus, describeApi } from "../../domain/cluster/cluster-status.ts";
import type { ClusterMember, ClusterView } from "../../domain/cluster/members.ts";
import type { Machine } from "../../domain/machine.ts";
import { stateWords, type Tone, toneOf } from "./machine-words.ts";

/** A cluster in one line, for the first page. */
export interface ClusterLine {
  readonly name: string;
  readonly summary: string;
  readonly tone: Tone;
}

/** A machine of the cluster: its roles, where it stands, and its Node. */
export interface MemberTile {
  readonly name: string;
  readonly tone: Tone;
  readonly words: string;
  readonly roles: string;
  readonly address: string;
  /** What the cluster says about it; empty where it runs no kubelet. */
  readonly node: string;
  readonly etcd: string;
}

export interface ClusterModel extends ClusterLine {
  readonly at: number | undefined;
  readonly version: string;
  readonly endpoint: { readonly at: string; readonly words: string } | undefined;
  readonly etcdClusterId: string;
  readonly problems: readonly string[];
  readonly members: readonly MemberTile[];
  readonly redundancy: ClusterStatus["redundancy"];
  readonly dns: string;
}

/** The cluster in one line. */
export function clusterLine(status: ClusterStatus): ClusterLine {
  const tone = status.phase === "none" ? "idle" : status.healthy ? "good" : toneOfPhase(status);
  return { name: status.cluster, summary: status.summary, tone };
}

/** A cluster that still comes up is at work; one that was whole and is not any more is bad. */
function toneOfPhase({ phase, nodes }: ClusterStatus): Tone {
  const missing = nodes.some(({ state }) => state === "missing");
  return phase === "initialising" || missing ? "busy" : "bad";
}

/** Everything on the page of one cluster. */
export function clusterModel(
  { cluster, status }: { readonly cluster: ClusterView; readonly status: ClusterStatus },
  machineNamed: (name: string) => Machine | undefined,
): ClusterModel {
  const { endpoint, dns, etcd } = status;
  return {
    ...clusterLine(status),
    at: status.at,
    version: cluster.spec.kubernetes.version,
    endpoint: endpoint && { at: endpoint.at, words: describeApi(endpoint.health) },
    etcdClusterId: etcd.clusterId ?? "",
    problems: status.problems,
    members: cluster.members.map((member) => memberTile(member, status, machineNamed(member.name))),
    redundancy: status.redundancy,
    dns: dns ? `${dns.ready} of ${dns.wanted}` : "",
  };
}

function memberTile(member: ClusterMember, status: ClusterStatus, machine: Machine | undefined): MemberTile {
  const node = status.nodes.find(({ name }) => name === member.name);
  const api = status.apiServers.find((each) => each.machine === member.name);
  const etcd = status.etcd.members.find(({ name }) => name === member.name);
  return {
    name: member.name,
    tone: machine ? toneOf(machine) : "idle",
    words: machine ? stateWords(machine.state) : "not registered",
    roles: member.roles.join(", "),
    address: member.address,
    node: [nodeWords(node), api && `API server ${apiWords(api.health)}`].filter(Boolean).join(", "),
    etcd: etcd ? `${etcd.state}${etcd.leader ? ", leads" : ""}` : "",
  };
}

function nodeWords(node: ClusterStatus["nodes"][number] | undefined): string {
  if (!node) return "";
  if (node.state === "missing") return "not joined";
  const closed = node.schedulable ? "" : ", closed to new pods";
  return node.state === "ready" ? `Ready${closed}` : `not ready: ${node.reason}`;
}

function apiWords(health: ApiHealth): string {
  return health.kind === "ready" ? "ready" : describeApi(health);
}
