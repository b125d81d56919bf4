/** How a cluster is, as one look at it found: facts, and what they mean for the people who rely on it. */
import type { RedundancyLine } from "./redundancy.ts";

/** What answers at an address where an API server belongs. */
export type ApiHealth =
  | { readonly kind: "ready" }
  /** It answers with the cluster's certificate but is not ready; `failing` names its checks. */
  | { readonly kind: "not-ready"; readonly failing: readonly string[] }
  /** Something answers TLS there with a certificate that this cluster's CA did not sign. */
  | { readonly kind: "foreign"; readonly issuer: string }
  | { readonly kind: "unreachable"; readonly reason: string };

export interface ApiServerStatus {
  /** The member that runs it. */
  readonly machine: string;
  /** `address:port`. */
  readonly at: string;
  readonly health: ApiHealth;
}

export interface NodeStatus {
  /** Name of the Node and of the machine. */
  readonly name: string;
  readonly state: "ready" | "not-ready" | "missing";
  /** In the Node's own words, or why it is missing. */
  readonly reason: string;
  readonly controlPlane: boolean;
  readonly schedulable: boolean;
  readonly kubeletVersion: string;
  readonly podCIDRs: readonly string[];
  /** Where peers reach it. */
  readonly address: string;
}

export interface EtcdMemberHealth {
  /** The machine it runs on; the member's own name where no machine fits. */
  readonly name: string;
  readonly id: string;
  readonly state: "healthy" | "unhealthy" | "unreachable" | "learner" | "missing";
  readonly leader: boolean;
  readonly version: string;
  readonly dbBytes: number;
  readonly problems: readonly string[];
}

export interface EtcdStatus {
  /** Hexadecimal; one in a cluster's life. */
  readonly clusterId?: string;
  readonly members: readonly EtcdMemberHealth[];
  /** Why nothing is known, when nobody answered. */
  readonly problem?: string;
}

/** Facts that one look found. */
export interface ClusterFacts {
  readonly phase: "none" | "initialising" | "initialised";
  /** The address that clients use, and what answers there. */
  readonly endpoint?: { readonly at: string; readonly health: ApiHealth };
  readonly apiServers: readonly ApiServerStatus[];
  readonly nodes: readonly NodeStatus[];
  /** Nodes that no machine of the cluster stands behind. */
  readonly strangers: readonly string[];
  /** Why nodes could not be listed. */
  readonly nodesProblem?: string;
  readonly etcd: EtcdStatus;
  /** The id recorded when the cluster was initialised. */
  readonly recordedEtcdClusterId?: string;
  readonly dns?: { readonly wanted: number; readonly ready: number };
}

export interface ClusterStatus extends ClusterFacts {
  readonly cluster: string;
  /** Epoch milliseconds of the look; undefined while there was none. */
  readonly at?: number;
  readonly healthy: boolean;
  /** One sentence. */
  readonly summary: string;
  /** Everything that is not as it should be, worst first. */
  readonly problems: readonly string[];
  /** What a loss would cost; a cluster may be healthy and yet survive no loss. */
  readonly redundancy: readonly RedundancyLine[];
}

/** Everything that is not as it should be, worst first. */
export function problemsOf(facts: ClusterFacts): readonly string[] {
  const absent = new Set(absentMembers(facts));
  return [
    ...identityProblems(facts),
    ...endpointProblems(facts),
    ...etcdProblems(facts.etcd, absent),
    ...facts.apiServers.flatMap(({ machine, at, health }) =>
      health.kind === "ready" || absent.has(machine)
        ? []
        : [`the API server of ${machine} (${at}) ${describeApi(health)}`],
    ),
    ...nodeProblems(facts),
    ...dnsProblems(facts.dns),
  ];
}

/** Machines that never joined, or not yet: that they run no API server and no etcd says nothing new. */
function absentMembers({ nodes, nodesProblem, etcd, apiServers }: ClusterFacts): readonly string[] {
  if (nodesProblem !== undefined) return [];
  const inEtcd = (name: string): boolean =>
    etcd.members.some((member) => member.name === name && member.state !== "missing");
  const serves = (name: string): boolean =>
    apiServers.some(({ machine, health }) => machine === name && health.kind !== "unreachable");
  return nodes
    .filter(({ name, state }) => state === "missing" && !inEtcd(name) && !serves(name))
    .map(({ name }) => name);
}

/** What an address answered, as the end of a sentence. */
export function describeApi(health: ApiHealth): string {
  switch (health.kind) {
    case "ready":
      return "is ready";
    case "not-ready":
      return `is not ready: ${health.failing.join(", ")}`;
    case "foreign":
      return health.issuer === ""
        ? "is held by something that does not speak TLS"
        : `is held by something else, with a certificate by ${health.issuer}`;
    case "unreachable":
      return `does not answer: ${health.reason}`;
  }
}

function identityProblems({ etcd, recordedEtcdClusterId }: ClusterFacts): readonly string[] {
  const { clusterId } = etcd;
  if (recordedEtcdClusterId === undefined || clusterId === undefined || clusterId === recordedEtcdClusterId)
    return [];
  return [
    `etcd's cluster id is ${clusterId}, but ${recordedEtcdClusterId} was recorded when this cluster was initialised: this is a second cluster`,
  ];
}

function endpointProblems({ endpoint }: ClusterFacts): readonly string[] {
  if (!endpoint || endpoint.health.kind === "ready") return [];
  return [`the endpoint ${endpoint.at} ${describeApi(endpoint.health)}`];
}

function etcdProblems({ members, problem }: EtcdStatus, absent: ReadonlySet<string>): readonly string[] {
  return [
    ...(problem === undefined ? [] : [`etcd: ${problem}`]),
    ...members.flatMap(({ name, state, problems }) => [
      ...(state === "healthy" || absent.has(name) ? [] : [`etcd on ${name} is ${state}`]),
      ...problems.map((each) => `etcd on ${name}: ${each}`),
    ]),
    ...quorumProblems(members),
  ];
}

/** What the loss of some members means for the others. */
function quorumProblems(members: readonly EtcdMemberHealth[]): readonly string[] {
  const voters = members.filter(({ state }) => state !== "learner" && state !== "missing");
  const healthy = voters.filter(({ state }) => state === "healthy").length;
  if (healthy === voters.length) return [];
  const quorum = Math.floor(voters.length / 2) + 1;
  const there = `${healthy} of its ${voters.length} members`;
  if (healthy < quorum)
    return [`etcd works on ${there}: nothing can be changed until ${quorum} of them are back`];
  const more = healthy - quorum;
  return [`etcd goes on with ${there} and must not lose ${more === 0 ? "another" : `more than ${more}`}`];
}

function nodeProblems({ nodes, strangers, nodesProblem }: ClusterFacts): readonly string[] {
  if (nodesProblem !== undefined) return [`nodes: ${nodesProblem}`];
  return [
    ...nodes.flatMap(({ name, state, reason }) => {
      if (state === "ready") return [];
      return [state === "missing" ? `${name} has not joined` : `node ${name} is not ready: ${reason}`];
    }),
    ...strangers.map((name) => `node ${name} is no machine of this cluster`),
  ];
}

function dnsProblems(dns: ClusterFacts["dns"]): readonly string[] {
  if (!dns || dns.ready >= dns.wanted) return [];
  return [`cluster DNS has ${dns.ready} of ${dns.wanted} replicas`];
}

/** One sentence on a cluster: first of all whether it can be used. */
export function summaryOf(facts: ClusterFacts, problems: readonly string[]): string {
  if (facts.phase === "none") return "no machine has asked to initialise this cluster yet";
  const ready = facts.nodes.filter(({ state }) => state === "ready").length;
  const nodes =
    facts.nodesProblem === undefined ? `${ready} of ${facts.nodes.length} nodes ready` : "nodes unknown";
  if (facts.phase === "initialising") return `being initialised, ${nodes}`;
  const count = problems.length;
  if (count === 0) return `healthy, ${nodes}`;
  return `${isUsable(facts) ? "works" : "cannot be used"}, ${count} problem${count === 1 ? "" : "s"}, ${nodes}`;
}

/** Whether people and nodes reach an API that answers. */
function isUsable({ endpoint, apiServers, nodesProblem }: ClusterFacts): boolean {
  const doors = endpoint ? [endpoint] : apiServers;
  return nodesProblem === undefined && doors.some(({ health }) => health.kind === "ready");
}
