/** Asks a cluster how it is before a turn is decided: its endpoint, every API server, every etcd member. */

import {
  apiEndpointOf,
  type ClusterMember,
  type ClusterView,
  etcdMembersOf,
  membersWith,
} from "../../domain/cluster/members.ts";
import type { ClusterSight } from "../../domain/cluster/turn-facts.ts";
import { MusterError } from "../../domain/errors.ts";
import type { Clock } from "../ports.ts";
import type {
  ApiAddress,
  ApiServerHealth,
  ClusterAccess,
  EtcdAccess,
  EtcdMember,
  EtcdMemberStatus,
  KubernetesAccess,
} from "./ports.ts";

export interface ClusterLookOptions {
  readonly access: ClusterAccess;
  readonly clock: Clock;
}

/** Fifty machines that ask at once are answered from one look. */
const FRESH_MS = 1500;
const KUBE_PROXY = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy";

export class ClusterLook {
  readonly #options: ClusterLookOptions;
  readonly #recent = new Map<string, { readonly at: number; readonly sight: Promise<ClusterSight> }>();

  constructor(options: ClusterLookOptions) {
    this.#options = options;
  }

  /** What the cluster answers now, or answered a moment ago; never throws for a cluster that is silent. */
  look(cluster: ClusterView): Promise<ClusterSight> {
    const now = this.#options.clock.monotonic();
    const known = this.#recent.get(cluster.name);
    if (known && now - known.at < FRESH_MS) return known.sight;
    const sight = this.#ask(cluster);
    this.#recent.set(cluster.name, { at: now, sight });
    return sight;
  }

  /** The next look asks anew: something has just changed. */
  forget(cluster: string): void {
    this.#recent.delete(cluster);
  }

  async #ask(cluster: ClusterView): Promise<ClusterSight> {
    const { access } = this.#options;
    const [kubernetes, etcd] = await Promise.all([access.kubernetes(cluster), access.etcd(cluster)]);
    const [api, etcdSight, missing] = await Promise.all([
      askApi(kubernetes, cluster),
      askEtcd(etcd, cluster),
      missingEtcdHosts(etcd, cluster),
    ]);
    const nodes = api.kind === "alive" ? await readNodes(kubernetes) : undefined;
    const complete = nodes !== undefined && (await isComplete(kubernetes, cluster));
    return { api, etcd: etcdSight, etcdHostsMissing: missing, complete, ...(nodes ? { nodes } : {}) };
  }
}

async function askApi(kubernetes: KubernetesAccess, cluster: ClusterView): Promise<ClusterSight["api"]> {
  const { apiPort } = cluster.spec;
  const own = membersWith(cluster, "control-plane").map(({ address }) => ({ address, port: apiPort }));
  const endpoint = apiEndpointOf(cluster);
  const places = endpoint ? [endpoint, ...own] : own;
  const asked = places.map(async (at) => ({ at: nameOf(at), health: await kubernetes.readyz(at) }));
  const alive = await firstAlive(asked);
  if (alive) return { kind: "alive", at: [alive.at] };
  const answers = await Promise.all(asked);
  return foreign(answers) ?? { kind: "silent", reason: answers.map(silence).join("; ") };
}

/** The first that answers for this cluster: machines that are off keep everybody waiting for seconds. */
async function firstAlive(asked: readonly Promise<Answer>[]): Promise<Answer | undefined> {
  const alive = asked.map(async (each) => {
    const answer = await each;
    if (answer.health.kind === "ready" || answer.health.kind === "not-ready") return answer;
    throw new MusterError("unavailable", answer.at);
  });
  return Promise.any(alive).catch(() => undefined);
}

interface Answer {
  readonly at: string;
  readonly health: ApiServerHealth;
}

function foreign(answers: readonly Answer[]): ClusterSight["api"] | undefined {
  for (const { at, health } of answers) {
    if (health.kind === "foreign") return { kind: "foreign", at, issuer: health.issuer };
  }
  return undefined;
}

function silence({ at, health }: Answer): string {
  return health.kind === "unreachable" ? `${at}: ${health.reason}` : at;
}

function nameOf({ address, port }: ApiAddress): string {
  return `${address}:${port}`;
}

async function askEtcd(etcd: EtcdAccess, cluster: ClusterView): Promise<ClusterSight["etcd"]> {
  const hosts = etcdMembersOf(cluster);
  const list = await unlessSilent(() => etcd.memberList());
  if (!list) return { kind: "silent", reason: await whySilent(etcd, hosts) };
  const { clusterId } = list;
  const members = list.members.map((member) => ({ ...member, name: memberName(member, hosts) }));
  // Hosts that are no members yet may be off, and would keep everybody waiting.
  const listed = hosts.filter(({ name }) => members.some((member) => member.name === name));
  const answers = await Promise.all(listed.map((host) => askMember(etcd, host)));
  const leader = members.find(({ id }) => answers.some(({ status }) => leads(status, id)))?.name;
  const healthy = answers.filter(votes).map(({ name }) => name);
  return { kind: "answers", clusterId, members, healthy, ...(leader === undefined ? {} : { leader }) };
}

interface MemberAnswer {
  readonly name: string;
  readonly status: EtcdMemberStatus;
  readonly healthy: boolean;
}

async function askMember(etcd: EtcdAccess, { name, address }: ClusterMember): Promise<MemberAnswer> {
  const [status, healthy] = await Promise.all([etcd.status(address), etcd.healthy(address)]);
  return { name, status, healthy };
}

function votes({ status, healthy }: MemberAnswer): boolean {
  return healthy && status.kind === "answers" && !status.learner;
}

async function whySilent(etcd: EtcdAccess, hosts: readonly ClusterMember[]): Promise<string> {
  const answers = await Promise.all(hosts.map(({ address }) => etcd.status(address)));
  for (const answer of answers) if (answer.kind === "unreachable") return answer.reason;
  return "its members cannot be listed";
}

function leads(status: EtcdMemberStatus, id: string): boolean {
  return status.kind === "answers" && status.leaderId === id;
}

/** A member that has not started yet tells no name: its peer address does. */
function memberName({ name, peerUrls }: EtcdMember, hosts: readonly ClusterMember[]): string {
  if (name !== "") return name;
  const host = hosts.find(({ address }) => peerUrls.some((url) => new URL(url).hostname === address));
  return host?.name ?? "";
}

async function missingEtcdHosts(etcd: EtcdAccess, cluster: ClusterView): Promise<readonly string[]> {
  if (cluster.spec.etcd.topology !== "external") return [];
  const hosts = await Promise.all(
    etcdMembersOf(cluster).map(async ({ name, address }) => ({ name, healthy: await etcd.healthy(address) })),
  );
  return hosts.filter(({ healthy }) => !healthy).map(({ name }) => name);
}

async function readNodes(kubernetes: KubernetesAccess): Promise<ClusterSight["nodes"]> {
  return unlessSilent(() => kubernetes.nodes());
}

/** CoreDNS and kube-proxy are the last that kubeadm makes; whichever of them is not wanted is not looked for. */
async function isComplete(kubernetes: KubernetesAccess, { spec }: ClusterView): Promise<boolean> {
  const skips = (phase: string): boolean =>
    spec.kubeadm.skipPhases.some((each) => each === "addon" || each === phase);
  const found = await unlessSilent(async () => {
    const dns =
      skips("addon/coredns") || (await kubernetes.deployment("kube-system", "coredns")) !== undefined;
    const noProxy = spec.kubeProxy.disabled || skips("addon/kube-proxy");
    return dns && (noProxy || (await kubernetes.get(KUBE_PROXY)) !== undefined);
  });
  return found ?? false;
}

/** Undefined when the cluster did not answer, or answered no: right after its start it knows nobody yet. */
async function unlessSilent<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof MusterError) return undefined;
    throw error;
  }
}
