/** One cluster's Kubernetes API behind the port that the use cases know. */

import type { DeploymentState, KubernetesAccess, SigningRequest } from "../../services/cluster/ports.ts";
import type { Clock } from "../../services/ports.ts";
import { ApiClient, type ApiClientOptions, bodyOf } from "./api-client.ts";
import { deploymentSchema, readItems, readNode, readSigningRequest } from "./api-objects.ts";
import { createBootstrapToken, deleteBootstrapToken, listBootstrapTokens } from "./bootstrap-tokens.ts";
import { evictPods } from "./evict-pods.ts";
import { probeApi } from "./probe-api.ts";
import { applyManifests } from "./server-side-apply.ts";

const NODES = "/api/v1/nodes";
const SIGNING_REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

/** Opens the API of one cluster; connects at the first call. */
export function kubernetesAccess(options: ApiClientOptions & { readonly clock: Clock }): KubernetesAccess {
  const client = new ApiClient(options);
  const { clock } = options;
  return {
    nodes: async () => readItems((await client.get(NODES)) ?? { items: [] }).map(readNode),
    node: async (name) => {
      const body = await client.get(nodePath(name));
      return body === undefined ? undefined : readNode(body);
    },
    deleteNode: async (name) => {
      const answer = await client.call({ method: "DELETE", path: nodePath(name) });
      return bodyOf(answer, `to delete the node ${name}`) === undefined ? "absent" : "deleted";
    },
    setSchedulable: (name, schedulable) =>
      mergeIntoNode(client, name, { spec: { unschedulable: schedulable ? null : true } }),
    removeLabels: (name, labels) =>
      mergeIntoNode(client, name, {
        metadata: { labels: Object.fromEntries(labels.map((label) => [label, null])) },
      }),
    evictPods: (node) => evictPods(client, node),
    createBootstrapToken: (request) => createBootstrapToken(client, { ...request, now: clock.now() }),
    deleteBootstrapToken: (id) => deleteBootstrapToken(client, id),
    listBootstrapTokens: () => listBootstrapTokens(client),
    deployment: (namespace, name) => deployment(client, { namespace, name }),
    apply: (manifests) => applyManifests(client, manifests),
    signingRequests: async () =>
      readItems((await client.get(SIGNING_REQUESTS)) ?? { items: [] }).map(readSigningRequest),
    approve: (request, message) => approve(client, { request, message, now: clock.now() }),
    get: (path) => client.get(path),
    readyz: (at) => probeApi(at, client.credentials),
  };
}

/** A merge patch (RFC 7396): null takes a field away. */
async function mergeIntoNode(client: ApiClient, name: string, patch: object): Promise<"done" | "absent"> {
  const answer = await client.call({
    method: "PATCH",
    path: nodePath(name),
    contentType: "application/merge-patch+json",
    body: patch,
  });
  return bodyOf(answer, `to change the node ${name}`) === undefined ? "absent" : "done";
}

function nodePath(name: string): string {
  return `${NODES}/${encodeURIComponent(name)}`;
}

async function deployment(
  client: ApiClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<DeploymentState | undefined> {
  const place = `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/deployments`;
  const body = await client.get(`${place}/${encodeURIComponent(name)}`);
  if (body === undefined) return undefined;
  const { spec, status } = deploymentSchema.parse(body);
  return { wanted: spec.replicas, ready: status.readyReplicas };
}

async function approve(
  client: ApiClient,
  {
    request,
    message,
    now,
  }: { readonly request: SigningRequest; readonly message: string; readonly now: number },
): Promise<void> {
  const path = `${SIGNING_REQUESTS}/${encodeURIComponent(request.name)}`;
  const present = (await client.get(path)) as
    | { readonly status?: { readonly conditions?: unknown[] } }
    | undefined;
  if (!present) return;
  const condition = {
    type: "Approved",
    status: "True",
    reason: "MusterApproved",
    message,
    lastUpdateTime: new Date(now).toISOString(),
  };
  const body = { ...present, status: { conditions: [...(present.status?.conditions ?? []), condition] } };
  bodyOf(await client.call({ method: "PUT", path: `${path}/approval`, body }), `to approve ${request.name}`);
}
