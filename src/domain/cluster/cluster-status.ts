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
  return [
    ...identityProblems(facts),
    ...endpointProblems(facts),
    ...etcdProblems(facts.etcd),
    ...facts.apiServers.flatMap(({ machine, at, health }) =>
      health.kind === "ready" ? [] : [`the API server of ${machine} (${at}) ${describeApi(health)}`],
    ),
    ...nodeProblems(facts),
    ...dnsProblems(facts.dns),
  ];
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

function etcdProblems({ members, problem }: EtcdStatus): readonly string[] {
  return [
    ...(problem === undefined ? [] : [`etcd: ${problem}`]),
    ...members.flatMap(({ name, state, problems }) => [
      ...(state === "healthy" ? [] : [`etcd on ${name} is ${state}`]),
      ...problems.map((each) => `etcd on ${name}: ${each}`),
    ]),
  ];
}

function nodeProblems({ nodes, strangers, nodesProblem }: ClusterFacts): readonly string[] {
  return [
    ...(nodesProblem === undefined ? [] : [`nodes: ${nodesProblem}`]),
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

/** One sentence on a cluster. */
export function summaryOf(facts: ClusterFacts, problems: readonly string[]): string {
  if (facts.phase === "none") return "no machine has asked to initialise this cluster yet";
  const ready = facts.nodes.filter(({ state }) => state === "ready").length;
  const nodes = `${ready} of ${facts.nodes.length} nodes ready`;
  if (facts.phase === "initialising") return `being initialised, ${nodes}`;
  const count = problems.length;
  return count === 0 ? `healthy, ${nodes}` : `${count} problem${count === 1 ? "" : "s"}, ${nodes}`;
}
