/** Resource documents as people write and the appliance keeps them: kind, name, and a spec that is not yet parsed. */
import { z } from "zod";
import type { Fault } from "../errors.ts";
import { nameSchema } from "../machine-spec.ts";
import { pathText } from "../value-path.ts";

const API_VERSION = "muster/v1";
export const RESOURCE_KINDS = ["Cluster", "Profile", "Machine"] as const;
export type ResourceKind = (typeof RESOURCE_KINDS)[number];

/** A spec as written: keys and values, nothing filled in. */
export type RawSpec = Readonly<Record<string, unknown>>;

export interface Resource {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly spec: RawSpec;
}

/** A resource as it was applied. `revision` counts its changes, `updatedAt` is epoch milliseconds. */
export interface StoredResource extends Resource {
  readonly revision: number;
  readonly updatedAt: number;
}

/** Where something was written; empty for what came without a file. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** A resource that remembers where each of its values was written. Paths begin below `spec`. */
export interface PlacedResource extends Resource {
  readonly placeOf: (path: readonly PropertyKey[]) => Place;
}

/** The outer form of a document; unknown keys are faults. */
export const documentSchema = z.strictObject({
  apiVersion: z.literal(API_VERSION, `expected ${API_VERSION}`),
  kind: z.enum(RESOURCE_KINDS, `expected one of ${RESOURCE_KINDS.join(", ")}`),
  metadata: z.strictObject({ name: nameSchema }),
  spec: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((spec) => spec ?? {}),
});

export type ResourceDocument = z.input<typeof documentSchema>;

/** `Cluster/lab`: the key under which a resource is kept. */
export function keyOf({ kind, name }: Pick<Resource, "kind" | "name">): string {
  return `${kind}/${name}`;
}

/** A fault at a path of a resource's spec, with its place. */
export function faultAt(resource: PlacedResource, path: readonly PropertyKey[], message: string): Fault {
  const inside = pathText(path);
  const name = `${resource.kind} ${resource.name}`;
  return { path: inside === "" ? name : `${name}, ${inside}`, message, ...resource.placeOf(path) };
}
