/** Which machines the documents speak of, and from what each inherits. */
import type { Fault } from "../errors.ts";
import type { Role } from "../machine-spec.ts";
import type { ClusterSpec } from "./cluster-spec.ts";
import { type Layer, layerAt } from "./inherit.ts";
import { expandGroup, matchesPattern } from "./patterns.ts";
import { type ProfileSelector, profileSpecSchema } from "./profile-spec.ts";
import { faultAt, type PlacedResource, type RawSpec } from "./resource.ts";

/** A machine before it inherited anything. */
export interface MachineSource {
  readonly name: string;
  /** The Machine, or the Cluster in whose groups it is. */
  readonly owner: PlacedResource;
  /** Where in the owner's spec the machine is described. */
  readonly path: readonly PropertyKey[];
  /** The machine's own layers, the lowest first. */
  readonly own: readonly Layer[];
  readonly cluster: string | undefined;
  readonly profile: string | undefined;
}

interface NamedCluster {
  readonly name: string;
  readonly spec: ClusterSpec;
  readonly resource: PlacedResource;
}

/** Every machine: Machine documents, and the groups of clusters. A name given twice is a fault. */
export function machineSources(
  resources: readonly PlacedResource[],
  clusters: readonly NamedCluster[],
): { readonly machines: readonly MachineSource[]; readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const machines = new Map<string, MachineSource>();
  const add = (source: MachineSource): void => {
    const other = machines.get(source.name);
    if (!other) machines.set(source.name, source);
    else {
      const message = `there is another machine named ${source.name}, in ${other.owner.kind} ${other.owner.name}`;
      faults.push(faultAt(source.owner, source.path, message));
    }
  };
  for (const resource of resources) if (resource.kind === "Machine") add(documentSource(resource));
  for (const cluster of clusters) {
    const { sources, faults: wrong } = groupSources(cluster);
    faults.push(...wrong);
    sources.forEach(add);
  }
  return { machines: [...machines.values()], faults };
}

/** Everything a machine inherits, the lowest first: cluster, its profile or those that select the machine, its own. */
export function layersOf(
  source: MachineSource,
  resources: readonly PlacedResource[],
  clusters: readonly NamedCluster[],
): readonly Layer[] {
  const cluster = clusters.find((each) => each.name === source.cluster);
  const profiles = resources.filter((each) => each.kind === "Profile");
  const named = profiles.find((each) => each.name === (source.profile ?? cluster?.spec.profile));
  const selected = profiles
    .filter((each) => each !== named && selects(each, { source, roles: rolesOf(source, named) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const fromProfiles = (source.profile === undefined ? [named, ...selected] : [...selected, named])
    .filter((each) => each !== undefined)
    .map((resource) => layerAt(resource, [], withoutSelector(resource.spec)));
  const membership = {
    ...(source.cluster === undefined ? {} : { cluster: source.cluster }),
    ...(named === undefined ? {} : { profile: named.name }),
  };
  return [
    ...(cluster ? [layerAt(cluster.resource, ["defaults"], cluster.spec.defaults)] : []),
    ...fromProfiles,
    layerAt(source.owner, source.path, membership),
    ...source.own,
  ];
}

function documentSource(resource: PlacedResource): MachineSource {
  const { cluster, profile } = resource.spec;
  return {
    name: resource.name,
    owner: resource,
    path: [],
    own: [layerAt(resource, [], resource.spec)],
    cluster: typeof cluster === "string" ? cluster : undefined,
    profile: typeof profile === "string" ? profile : undefined,
  };
}

function groupSources({ name, spec, resource }: NamedCluster): {
  readonly sources: readonly MachineSource[];
  readonly faults: readonly Fault[];
} {
  const sources: MachineSource[] = [];
  const faults: Fault[] = [];
  spec.machines.forEach((group, index) => {
    const path = ["machines", index];
    const expanded = expandGroup(group);
    if (!expanded.ok) {
      faults.push(faultAt(resource, [...path, expanded.key], expanded.reason));
      return;
    }
    expanded.machines.forEach(({ name: machine, mac, address }, position) => {
      const values = { mac, roles: group.roles, ...(address === undefined ? {} : { address }) };
      const keys: Readonly<Record<string, readonly PropertyKey[]>> = {
        mac: ["macs", position],
        address: ["addresses"],
        roles: ["roles"],
      };
      const pathOf = (inside: readonly PropertyKey[]) => [...path, ...(keys[String(inside[0])] ?? inside)];
      sources.push({
        name: machine,
        owner: resource,
        path: [...path, "macs", position],
        own: [layerAt(resource, [...path, "spec"], group.spec), { resource, values, pathOf }],
        cluster: name,
        profile: group.profile,
      });
    });
  });
  return { sources, faults };
}

function rolesOf({ own }: MachineSource, profile: PlacedResource | undefined): readonly unknown[] {
  const roles = own.findLast(({ values }) => values["roles"] !== undefined)?.values["roles"];
  const given = roles ?? profile?.spec["roles"];
  return Array.isArray(given) ? given : [];
}

function selects(
  profile: PlacedResource,
  { source, roles }: { readonly source: MachineSource; readonly roles: readonly unknown[] },
): boolean {
  const selector = selectorOf(profile);
  if (!selector) return false;
  const { clusters, roles: wanted, names } = selector;
  return (
    (clusters === undefined || clusters.some((cluster) => cluster === source.cluster)) &&
    (wanted === undefined || wanted.some((role: Role) => roles.includes(role))) &&
    (names === undefined || matchesPattern(source.name, names))
  );
}

function selectorOf(profile: PlacedResource): ProfileSelector | undefined {
  const parsed = profileSpecSchema.shape.selector.safeParse(profile.spec["selector"]);
  return parsed.success ? parsed.data : undefined;
}

function withoutSelector(spec: RawSpec): RawSpec {
  return Object.fromEntries(Object.entries(spec).filter(([key]) => key !== "selector"));
}
