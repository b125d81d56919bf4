/** How a machine's spec comes about: cluster, then profiles, then the machine itself; what is said later wins. */
import type { Fault } from "../errors.ts";
import { pathText } from "../value-path.ts";
import { faultAt, type PlacedResource, type RawSpec } from "./resource.ts";

type Path = readonly PropertyKey[];

/** Fields of a machine that some resource says. */
export interface Layer {
  readonly resource: PlacedResource;
  readonly values: RawSpec;
  /** Where in the resource's spec a value stands that is at `path` of the machine's. */
  readonly pathOf: (path: Path) => Path;
}

/** A layer whose values stand together at one path of a resource. */
export function layerAt(resource: PlacedResource, path: Path, values: RawSpec): Layer {
  return { resource, values, pathOf: (inside) => [...path, ...inside] };
}

/**
 * Lays the layers over each other, the last one on top: sections key by key, lists and single values whole. A value of
 * null takes back what a lower layer said.
 */
export function inherit(layers: readonly Pick<Layer, "values">[]): RawSpec {
  return layers.reduce<RawSpec>((below, layer) => overlay(below, layer.values), {});
}

/** A fault of a merged spec, told where its value was written: in the topmost layer that has it, or comes nearest. */
export function faultIn(layers: readonly Layer[], path: Path, message: string): Fault {
  const { layer, steps } = originOf(layers, path);
  if (!layer) return { path: pathText(path), message };
  const fault = faultAt(layer.resource, layer.pathOf(path), message);
  return { ...fault, ...layer.resource.placeOf(layer.pathOf(steps)) };
}

function originOf(
  layers: readonly Layer[],
  path: Path,
): { readonly layer: Layer | undefined; readonly steps: Path } {
  for (let length = path.length; length > 0; length--) {
    const steps = path.slice(0, length);
    const layer = layers.findLast(({ values }) => holds(values, steps));
    if (layer) return { layer, steps };
  }
  return { layer: layers.at(-1), steps: [] };
}

function overlay(below: RawSpec, above: RawSpec): RawSpec {
  const merged = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    const under = merged.get(key);
    if (value === null) merged.delete(key);
    else merged.set(key, isSection(value) ? overlay(isSection(under) ? under : {}, value) : value);
  }
  return Object.fromEntries(merged);
}

function holds(values: unknown, path: Path): boolean {
  let value = values;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !(step in value)) return false;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return true;
}

function isSection(value: unknown): value is RawSpec {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
