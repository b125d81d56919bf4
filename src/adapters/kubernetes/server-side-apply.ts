/** Applies manifests by server-side apply: what they say is set, what others set stays, a second time changes nothing. */
import { setTimeout as pause } from "node:timers/promises";
import type { Applied, Manifest } from "../../services/cluster/ports.ts";
import type { ApiClient } from "./api-client.ts";
import { resourceListSchema } from "./api-objects.ts";

const FIELD_MANAGER = "muster";
/** Kinds that others in the same manifest rest on. */
const FIRST = new Map([
  ["CustomResourceDefinition", 0],
  ["Namespace", 1],
  ["PriorityClass", 2],
  ["ServiceAccount", 3],
]);
/** A new kind is served a moment after its definition was accepted. */
const DISCOVERY_TRIES = 15;
const DISCOVERY_PAUSE_MS = 1000;
/** Webhooks that judge an object may take their time, and so does a small control plane over a definition of a megabyte. */
const APPLY_TIMEOUT_MS = 60_000;

interface Resource {
  readonly name: string;
  readonly namespaced: boolean;
}

type Discovery = Map<string, ReadonlyMap<string, Resource>>;

/** Applies each object in turn and goes on after a refusal. @throws ClusterUnreachableError when nobody answers. */
export async function applyManifests(
  client: ApiClient,
  manifests: readonly Manifest[],
): Promise<readonly Applied[]> {
  const discovery: Discovery = new Map();
  const objects = manifests.flatMap(flat);
  const rank = ({ kind }: Manifest): number => FIRST.get(kind) ?? FIRST.size;
  const ordered = objects.map((object, index) => ({ object, index }));
  ordered.sort((a, b) => rank(a.object) - rank(b.object) || a.index - b.index);
  const defined = objects.some(({ kind }) => kind === "CustomResourceDefinition");
  const applied: Applied[] = [];
  for (const { object } of ordered) {
    const resource = await resourceOf(client, { object, discovery, tries: defined ? DISCOVERY_TRIES : 1 });
    applied.push(await applyOne(client, object, resource));
  }
  return applied;
}

function flat(object: Manifest): readonly Manifest[] {
  const { items } = object as { readonly items?: readonly Manifest[] };
  return object.kind.endsWith("List") && items ? items.flatMap(flat) : [object];
}

async function applyOne(
  client: ApiClient,
  object: Manifest,
  resource: Resource | undefined,
): Promise<Applied> {
  const { name, namespace = "default" } = object.metadata;
  const title = `${object.kind} ${resource?.namespaced === false ? "" : `${namespace}/`}${name}`;
  if (!resource) {
    return { object: title, outcome: "refused", reason: `the cluster knows no ${object.apiVersion}` };
  }
  const place = resource.namespaced ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const answer = await client.call({
    method: "PATCH",
    path: `${groupPath(object.apiVersion)}${place}/${resource.name}/${encodeURIComponent(name)}?fieldManager=${FIELD_MANAGER}&force=true`,
    contentType: "application/apply-patch+yaml",
    body: object,
    timeoutMs: APPLY_TIMEOUT_MS,
  });
  return answer.ok
    ? { object: title, outcome: "applied" }
    : { object: title, outcome: "refused", reason: answer.message };
}

async function resourceOf(
  client: ApiClient,
  options: { readonly object: Manifest; readonly discovery: Discovery; readonly tries: number },
): Promise<Resource | undefined> {
  const { object, discovery, tries } = options;
  for (let attempt = 1; attempt <= tries; attempt++) {
    const known = discovery.get(object.apiVersion)?.get(object.kind);
    if (known) return known;
    if (attempt > 1) await pause(DISCOVERY_PAUSE_MS);
    discovery.set(object.apiVersion, await resourcesOf(client, object.apiVersion));
  }
  return discovery.get(object.apiVersion)?.get(object.kind);
}

async function resourcesOf(client: ApiClient, apiVersion: string): Promise<ReadonlyMap<string, Resource>> {
  const body = await client.get(groupPath(apiVersion));
  if (body === undefined) return new Map();
  const { resources } = resourceListSchema.parse(body);
  // Names with a slash are subresources.
  return new Map(resources.filter(({ name }) => !name.includes("/")).map((each) => [each.kind, each]));
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
