/** Documents together: every reference followed, every machine's spec inherited and parsed. */
import type { Fault } from "../errors.ts";
import { complaintsOf } from "../faults.ts";
import { type MachineSpec, machineSpecSchema } from "../machine-spec.ts";
import { closest } from "../suggest.ts";
import { type ClusterSpec, clusterSpecSchema } from "./cluster-spec.ts";
import { faultIn, inherit, type Layer } from "./inherit.ts";
import { layersOf, type MachineSource, machineSources } from "./machine-sources.ts";
import { profileSpecSchema, sharedFieldsSchema } from "./profile-spec.ts";
import { faultAt, type PlacedResource, type RawSpec, type ResourceKind } from "./resource.ts";

export interface ResolvedCluster {
  readonly name: string;
  readonly spec: ClusterSpec;
  readonly resource: PlacedResource;
}

export interface ResolvedMachine {
  readonly name: string;
  readonly spec: MachineSpec;
  /** What it inherited from, the lowest first. */
  readonly layers: readonly Layer[];
  /** The Machine, or the Cluster in whose groups it is. */
  readonly owner: PlacedResource;
}

export interface ResourceSet {
  readonly clusters: readonly ResolvedCluster[];
  readonly machines: readonly ResolvedMachine[];
}

export interface Resolution extends ResourceSet {
  /** What is wrong; when there is any, the set lacks what could not be resolved. */
  readonly faults: readonly Fault[];
}

/** Resolves all documents that there are, those that changed and those that did not. */
export function resolveResources(resources: readonly PlacedResource[]): Resolution {
  const clusters: ResolvedCluster[] = [];
  const faults: Fault[] = [];
  for (const resource of resources) {
    if (resource.kind === "Cluster") faults.push(...resolveCluster(resource, { resources, clusters }));
    if (resource.kind === "Profile") faults.push(...complaintsAbout(resource, [], profileSpecSchema));
  }
  const sources = machineSources(resources, clusters);
  faults.push(...sources.faults);
  const seen = new Set(faults.map(placeKey));
  const machines: ResolvedMachine[] = [];
  for (const source of sources.machines) {
    const resolved = resolveMachine(source, resources, clusters);
    machines.push(...(resolved.machine ? [resolved.machine] : []));
    // A slip in a profile is one fault, however many machines inherit it.
    for (const fault of resolved.faults) {
      if (!seen.has(placeKey(fault))) faults.push(fault);
      seen.add(placeKey(fault));
    }
  }
  return { clusters, machines, faults };
}

function resolveCluster(
  resource: PlacedResource,
  {
    resources,
    clusters,
  }: { readonly resources: readonly PlacedResource[]; readonly clusters: ResolvedCluster[] },
): readonly Fault[] {
  const parsed = clusterSpecSchema.safeParse(resource.spec);
  if (!parsed.success) {
    return complaintsOf(parsed.error, clusterSpecSchema, resource.spec).map(({ path, message }) =>
      faultAt(resource, path, message),
    );
  }
  clusters.push({ name: resource.name, spec: parsed.data, resource });
  return [
    ...lack(resources, "Profile", parsed.data.profile).map((message) =>
      faultAt(resource, ["profile"], message),
    ),
    ...complaintsAbout(resource, ["defaults"], sharedFieldsSchema, parsed.data.defaults),
    ...parsed.data.machines.flatMap((group, index) =>
      complaintsAbout(resource, ["machines", index, "spec"], sharedFieldsSchema, group.spec),
    ),
  ];
}

function complaintsAbout(
  resource: PlacedResource,
  path: readonly PropertyKey[],
  schema: typeof sharedFieldsSchema,
  values: RawSpec = resource.spec,
): readonly Fault[] {
  const spec = inherit([{ values }]);
  const parsed = schema.safeParse(spec);
  if (parsed.success) return [];
  return complaintsOf(parsed.error, schema, spec).map((complaint) =>
    faultAt(resource, [...path, ...complaint.path], complaint.message),
  );
}

function resolveMachine(
  source: MachineSource,
  resources: readonly PlacedResource[],
  clusters: readonly ResolvedCluster[],
): { readonly machine?: ResolvedMachine; readonly faults: readonly Fault[] } {
  const references = referenceFaults(source, resources);
  if (references.length > 0) return { faults: references };
  const layers = layersOf(source, resources, clusters);
  const spec = inherit(layers);
  const parsed = machineSpecSchema.safeParse(spec);
  const { name, owner } = source;
  if (parsed.success) return { machine: { name, spec: parsed.data, layers, owner }, faults: [] };
  const complaints = complaintsOf(parsed.error, machineSpecSchema, spec);
  return { faults: complaints.map(({ path, message }) => faultIn(layers, path, message)) };
}

function referenceFaults(source: MachineSource, resources: readonly PlacedResource[]): readonly Fault[] {
  const { owner, path, cluster, profile } = source;
  return [
    ...lack(resources, "Cluster", cluster).map((message) => faultAt(owner, [...path, "cluster"], message)),
    ...lack(resources, "Profile", profile).map((message) => faultAt(owner, [...path, "profile"], message)),
  ];
}

/** One sentence when no document of that kind has that name. */
function lack(
  resources: readonly PlacedResource[],
  kind: ResourceKind,
  name: string | undefined,
): readonly string[] {
  const known = resources.filter((each) => each.kind === kind).map((each) => each.name);
  if (name === undefined || known.includes(name)) return [];
  const near = closest(name, known);
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  return [`there is no ${kind} named "${name}"${hint}`];
}

function placeKey({ path, file, line, column, message }: Fault): string {
  return JSON.stringify([file === undefined ? path : [file, line, column], message]);
}
