/** What an entry of the catalogue is: where its manifests are, what may be said about it, and how that gets into them. */
import { z } from "zod";
import type { ClusterView } from "../../cluster/members.ts";
import type { Fault } from "../../errors.ts";
import { faultsOf } from "../../faults.ts";
import type { UpstreamFile } from "../component-files.ts";
import type { Objects } from "./objects.ts";

/** A workload that tells whether an add-on runs. */
export interface Workload {
  readonly kind: "Deployment" | "DaemonSet" | "StatefulSet";
  readonly namespace: string;
  readonly name: string;
}

/** What a transformation works with besides the manifests. */
export interface AddonContext<Parameters> {
  readonly parameters: Parameters;
  readonly cluster: ClusterView;
}

/** An entry as it is written down. */
export interface AddonDefinition<Parameters> {
  readonly name: string;
  /** One sentence for people. */
  readonly summary: string;
  /** `network` entries are chosen by `network.cni`, the others by `addons`. */
  readonly kind: "network" | "addon";
  readonly version: string;
  /** Kubernetes minors that the project declares, both ends included. */
  readonly kubernetes: { readonly from: string; readonly to: string };
  /** Manifests, in the order in which they are applied. */
  readonly sources: readonly UpstreamFile[];
  /** Everything that runs, also what the manifests name only in settings of an operator. */
  readonly images: readonly string[];
  readonly parameters: z.ZodType<Parameters>;
  readonly workloads: readonly Workload[];
  /** The objects of all sources together, as they are to be applied. */
  readonly transform: (objects: Objects, context: AddonContext<Parameters>) => Objects;
}

/** An entry of the catalogue. */
export interface Addon extends Omit<AddonDefinition<unknown>, "transform"> {
  /** Faults of what a person says about it; paths are those of the parameters. */
  readonly faults: (parameters: unknown) => readonly Fault[];
  /** @throws RenderError for parameters that do not fit, and for manifests whose layout has changed. */
  readonly render: (objects: Objects, context: AddonContext<unknown>) => Objects;
}

/** Parameters of an add-on that has none. */
export const noParameters = z.strictObject({});

/** Makes an entry of a definition. */
export function addon<Parameters>(definition: AddonDefinition<Parameters>): Addon {
  const { parameters, transform, ...rest } = definition;
  return {
    ...rest,
    parameters,
    faults: (value) => {
      const parsed = parameters.safeParse(value);
      return parsed.success ? [] : faultsOf(parsed.error, parameters);
    },
    render: (objects, { parameters: value, cluster }) =>
      transform(objects, { parameters: parameters.parse(value), cluster }),
  };
}

/** A manifest that a project attaches to its release. */
export function releaseManifest(
  project: { readonly component: string; readonly repository: string; readonly version: string },
  name: string,
): UpstreamFile {
  const { component, repository, version } = project;
  return {
    component,
    version,
    name,
    upstream: "github",
    path: `${repository}/releases/download/v${version}/${name}`,
  };
}

/** A manifest in a project's repository, at the tag of its release. */
export function taggedManifest(
  project: { readonly component: string; readonly repository: string; readonly version: string },
  path: string,
): UpstreamFile {
  const { component, repository, version } = project;
  const name = path.slice(path.lastIndexOf("/") + 1);
  return { component, version, name, upstream: "github-raw", path: `${repository}/v${version}/${path}` };
}
