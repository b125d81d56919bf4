/** The settings that the schema holds, one by one: what the environment, the redaction and docs/config.md go by. */
import { z } from "zod";
import { configSchema } from "./schema.ts";

/** The part of JSON Schema that the configuration's schema comes out as. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  /** Of a section whose keys are the person's own: what each entry holds. */
  readonly additionalProperties?: SchemaNode | false;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly secret?: boolean;
}

/** One setting: a leaf of the schema. Lists are one setting, whatever their items are made of. */
export interface Setting {
  readonly path: readonly string[];
  /** The environment variable that sets it. */
  readonly variable: string;
  readonly node: SchemaNode;
  readonly secret: boolean;
}

const TREE = z.toJSONSchema(configSchema, { io: "input" }) as SchemaNode;

/** The schema of `muster.yaml` as a tree of {@link SchemaNode}. */
export function schemaTree(): SchemaNode {
  return TREE;
}

/** Every setting below `node`, in the schema's order. */
export function settingsOf(
  node: SchemaNode = schemaTree(),
  path: readonly string[] = [],
): readonly Setting[] {
  if (node.properties === undefined) {
    return [{ path, variable: variableOf(path), node, secret: node.secret === true }];
  }
  return Object.entries(node.properties).flatMap(([key, child]) => settingsOf(child, [...path, key]));
}

/** The node at `path`; list indexes lead into the list's items. Undefined where the schema has none. */
export function nodeAt(
  path: readonly PropertyKey[],
  root: SchemaNode = schemaTree(),
): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const step of path) {
    node = typeof step === "number" ? node?.items : (node?.properties?.[String(step)] ?? entryOf(node));
  }
  return node;
}

/** What the entries of a section hold whose keys are the person's own. */
export function entryOf(node: SchemaNode | undefined): SchemaNode | undefined {
  return typeof node?.additionalProperties === "object" ? node.additionalProperties : undefined;
}

/** `MUSTER_DHCP_PROXY_PORT` for `dhcp.proxyPort`. */
export function variableOf(path: readonly string[]): string {
  const words = path.map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
  return ["MUSTER", ...words].join("_");
}
