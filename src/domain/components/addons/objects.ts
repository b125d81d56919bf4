/**
 * Changes to Kubernetes objects as values: every function returns new objects and leaves its arguments alone. A manifest
 * that does not hold what is to be changed is an error: the parameter would otherwise have no effect.
 */
import { RenderError } from "../../errors.ts";

/** An object of a manifest. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export type Objects = readonly KubernetesObject[];

/** Which object is meant. */
export interface ObjectName {
  readonly kind: string;
  readonly name: string;
}

export type Path = readonly (string | number)[];

type Fields = Readonly<Record<string, unknown>>;

const CONTAINERS = ["spec", "template", "spec", "containers"];
const INIT_CONTAINERS = ["spec", "template", "spec", "initContainers"];

/** Whether a parsed YAML document is an object of Kubernetes. */
export function isKubernetesObject(value: unknown): value is KubernetesObject {
  if (!isFields(value) || !isFields(value["metadata"])) return false;
  return [value["apiVersion"], value["kind"], value["metadata"]["name"]].every(
    (text) => typeof text === "string",
  );
}

/** Changes the one object of that name. @throws RenderError when there is none */
export function change(
  objects: Objects,
  { kind, name }: ObjectName,
  changed: (object: KubernetesObject) => KubernetesObject,
): Objects {
  const index = objects.findIndex((object) => object.kind === kind && object.metadata.name === name);
  const found = objects[index];
  if (!found) throw new RenderError(`the manifest has no ${kind} named ${name}: its layout has changed`);
  return objects.with(index, changed(found));
}

/** The value at a path; undefined where the path leads nowhere. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof step === "number") found = Array.isArray(found) ? (found[step] as unknown) : undefined;
    else found = isFields(found) ? found[step] : undefined;
  }
  return found;
}

/** A copy with another value at the path; fields on the way are made where they are missing. */
export function withValue<T>(value: T, path: Path, wanted: unknown): T {
  const [step, ...rest] = path;
  if (step === undefined) return wanted as T;
  if (typeof step === "number") {
    const list = Array.isArray(value) ? (value as readonly unknown[]) : [];
    return list.with(step, withValue(list[step], rest, wanted)) as T;
  }
  const fields: Fields = isFields(value) ? value : {};
  return { ...fields, [step]: withValue(fields[step], rest, wanted) } as T;
}

/** Sets an environment variable of a container, in place of whatever the manifest says about it. */
export function withEnvironment(
  object: KubernetesObject,
  container: string,
  variables: Readonly<Record<string, string>>,
): KubernetesObject {
  return changeContainer(object, container, (fields) => {
    const others = listAt(fields, "env").filter((each) => !(String(valueAt(each, ["name"])) in variables));
    return {
      ...fields,
      env: [...others, ...Object.entries(variables).map(([name, value]) => ({ name, value }))],
    };
  });
}

/** Adds arguments to a container; one of the same name (up to its `=`) is replaced. */
export function withArguments(
  object: KubernetesObject,
  container: string,
  wanted: readonly string[],
): KubernetesObject {
  const nameOf = (argument: unknown): string => String(argument).split("=", 1)[0] ?? "";
  const names = new Set(wanted.map(nameOf));
  return changeContainer(object, container, (fields) => ({
    ...fields,
    args: [...listAt(fields, "args").filter((argument) => !names.has(nameOf(argument))), ...wanted],
  }));
}

/** Changes one container of a workload. @throws RenderError when it has none of that name */
export function changeContainer(
  object: KubernetesObject,
  container: string,
  changed: (fields: Fields) => Fields,
): KubernetesObject {
  for (const path of [CONTAINERS, INIT_CONTAINERS]) {
    const list = valueAt(object, path);
    const index = Array.isArray(list) ? list.findIndex((each) => valueAt(each, ["name"]) === container) : -1;
    const found = valueAt(object, [...path, index]);
    if (isFields(found)) return withValue(object, [...path, index], changed(found));
  }
  throw new RenderError(
    `${object.kind} ${object.metadata.name} has no container ${container}: its layout has changed`,
  );
}

/** Changes the JSON text in one key of a ConfigMap. @throws RenderError when it holds none */
export function changeJson(
  object: KubernetesObject,
  key: string,
  changed: (value: Fields) => Fields,
): KubernetesObject {
  const parsed = parseJson(valueAt(object, ["data", key]));
  if (!isFields(parsed))
    throw new RenderError(`${object.kind} ${object.metadata.name} has no JSON in ${key}`);
  return withValue(object, ["data", key], `${JSON.stringify(changed(parsed), undefined, 2)}\n`);
}

/**
 * A copy without the fields that hold nothing: what a manifest leaves empty under a key is refused by the schemas of
 * definitions. Definitions themselves stay as they are, there a null means itself.
 */
export function withoutNulls(object: KubernetesObject): KubernetesObject {
  return object.kind === "CustomResourceDefinition" ? object : (stripped(object) as KubernetesObject);
}

function stripped(value: unknown): unknown {
  if (Array.isArray(value)) return (value as readonly unknown[]).map(stripped);
  if (!isFields(value)) return value;
  const kept = Object.entries(value).filter(([, child]) => child !== null);
  return Object.fromEntries(kept.map(([key, child]) => [key, stripped(child)]));
}

/** Every image that the objects name as a container's, sorted, each once. */
export function imagesOf(objects: Objects): readonly string[] {
  const found = new Set<string>();
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value as readonly unknown[]) collect(each);
    else if (isFields(value)) {
      const { image } = value;
      if (typeof image === "string") found.add(image);
      for (const child of Object.values(value)) collect(child);
    }
  };
  for (const object of objects) if (object.kind !== "CustomResourceDefinition") collect(object);
  return [...found].sort();
}

/** Images that may mean something else tomorrow: without a tag, or with `latest`. */
export function movingImages(images: readonly string[]): readonly string[] {
  return images.filter((image) => {
    if (image.includes("@sha256:")) return false;
    const tag = /:([^/:]+)$/.exec(image)?.[1];
    return tag === undefined || tag === "latest";
  });
}

function listAt(fields: Fields, key: string): readonly unknown[] {
  const list = fields[key];
  return Array.isArray(list) ? (list as readonly unknown[]) : [];
}

function parseJson(text: unknown): unknown {
  try {
    return typeof text === "string" ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
