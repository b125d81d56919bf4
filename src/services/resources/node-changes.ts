/** What other documents mean for what the members of clusters are given: the differences of their node plans. Pure. */
import { homeNetwork } from "../../domain/cluster/home-network.ts";
import { type ClusterView, memberNamed } from "../../domain/cluster/members.ts";
import { faultAt } from "../../domain/cluster/resource.ts";
import type { ResourceSet } from "../../domain/cluster/resource-set.ts";
import { kubernetesRelease } from "../../domain/components/kubernetes-release.ts";
import type { SubnetSettings } from "../../domain/dhcp/network-config.ts";
import { type Fault, RenderError } from "../../domain/errors.ts";
import { planNode } from "../../domain/node/node-plan.ts";
import { type NodePlan, PLAN_DIRECTORY } from "../../domain/node/plan-types.ts";

export interface NodeChanges {
  /** By machine, for members that were members before: `changes /etc/hosts`, `adds package lvm2`. */
  readonly changes: ReadonlyMap<string, readonly string[]>;
  /** Clusters of whose members no plan can be made, each with the reason. */
  readonly faults: readonly { readonly cluster: string; readonly message: string }[];
}

/** Settings that repeat what is compared as lists. */
const LISTED = new Set(["PACKAGES", "MODULES", "IMAGES"]);
// The same on both sides, so that only what the documents say makes a difference.
const APPLIANCE = { address: "0.0.0.0", httpPort: 1, httpsPort: 1, caCertificate: "" };
const PKI = { caHashes: [], caCertificate: "" };

/**
 * Compares the plan of every member of the clusters that differ.
 * @param subnets networks of the appliance, where clusters describe none of their own.
 */
export function nodeChanges(
  before: readonly ClusterView[],
  after: readonly ClusterView[],
  subnets: readonly SubnetSettings[] = [],
): NodeChanges {
  const changes = new Map<string, readonly string[]>();
  const faults: { cluster: string; message: string }[] = [];
  for (const cluster of after) {
    const old = before.find(({ name }) => name === cluster.name);
    if (old && JSON.stringify(old) === JSON.stringify(cluster)) continue;
    const messages = new Set<string>();
    for (const { name } of cluster.members) {
      const plan = planOf(cluster, name);
      if (plan instanceof RenderError) messages.add(plan.message);
      const present = old && planOf(old, name);
      if (!plan || !present || plan instanceof RenderError || present instanceof RenderError) continue;
      const network = (view: ClusterView) => networkWords(view, name, subnets);
      const differences = [
        ...(network(old) === network(cluster) ? [] : [`changes ${network(old)} to ${network(cluster)}`]),
        ...planDifferences(present, plan),
      ];
      if (differences.length > 0) changes.set(name, differences);
    }
    faults.push(...[...messages].map((message) => ({ cluster: cluster.name, message })));
  }
  return { changes, faults };
}

/** The clusters without a plan, told where each of them is described. */
export function planFaults({ faults }: NodeChanges, { clusters }: ResourceSet): readonly Fault[] {
  return faults.map(({ cluster, message }) => {
    const owner = clusters.find(({ name }) => name === cluster);
    return owner ? faultAt(owner.resource, [], message) : { path: `Cluster ${cluster}`, message };
  });
}

/** `the network 10.20.0.10/24 by 10.20.0.1, names from 10.20.0.1`: what the next installation configures. */
function networkWords(cluster: ClusterView, name: string, subnets: readonly SubnetSettings[]): string {
  const address = memberNamed(cluster, name)?.spec.address;
  const home = homeNetwork(address, { cluster: cluster.spec, subnets });
  if (address === undefined || !home) return "no network of its own";
  const gateway = home.gateway === undefined ? "" : ` by ${home.gateway}`;
  return `the network ${address}/${home.prefix}${gateway}${home.dns.length === 0 ? "" : `, names from ${home.dns.join(", ")}`}`;
}

/** What the second plan has that the first has not, and the other way round. */
export function planDifferences(before: NodePlan, after: NodePlan): readonly string[] {
  const file = ({ path, content, mode }: NodePlan["files"][number]): [string, string] => [
    path,
    mode + content,
  ];
  const files = (plan: NodePlan) => new Map([...plan.files, ...plan.planFiles].map(file));
  const list = (what: string, of: (plan: NodePlan) => readonly string[]) =>
    differences(named(what, of(before)), named(what, of(after)));
  const settings = (plan: NodePlan) =>
    new Map(
      Object.entries(plan.settings)
        .filter(([name]) => !LISTED.has(name))
        .map(([name, value]) => [`setting ${name}`, String(value)]),
    );
  return [
    ...differences(files(before), files(after)).map((line) => line.replace(`${PLAN_DIRECTORY}/`, "")),
    ...list("package", ({ packages }) => packages),
    ...list("program", ({ downloads }) => downloads.map(({ path }) => path)),
    ...list("image", ({ images }) => images),
    ...list("kernel module", ({ modules }) => modules),
    ...list("kernel parameter", ({ sysctls }) => sysctls.map(([name, value]) => `${name}=${value}`)),
    ...differences(settings(before), settings(after)),
  ];
}

function named(what: string, items: readonly string[]): ReadonlyMap<string, string> {
  return new Map(items.map((item) => [`${what} ${item}`, ""]));
}

function differences(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  const now = [...after].flatMap(([key, value]) => {
    const old = before.get(key);
    if (old === undefined) return [`adds ${key}`];
    return old === value ? [] : [`changes ${key}`];
  });
  return [...now, ...[...before.keys()].filter((key) => !after.has(key)).map((key) => `drops ${key}`)];
}

function planOf(cluster: ClusterView, name: string): NodePlan | RenderError | undefined {
  const member = memberNamed(cluster, name);
  const release = kubernetesRelease(cluster.spec.kubernetes.version);
  if (!member || !release) return undefined;
  try {
    return planNode({ member, cluster, release, appliance: APPLIANCE, pki: PKI });
  } catch (error) {
    if (error instanceof RenderError) return error;
    throw error;
  }
}
