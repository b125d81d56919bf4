/** Asks for the eviction of a node's pods, which respects disruption budgets; asked again until none is left. */
import type { Eviction } from "../../services/cluster/ports.ts";
import { type ApiClient, refusal } from "./api-client.ts";
import { type Pod, podListSchema } from "./api-objects.ts";

/** One round over the pods of a node. @throws ClusterUnreachableError, ClusterRefusedError */
export async function evictPods(client: ApiClient, node: string): Promise<Eviction> {
  const path = `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${node}`)}`;
  const { items } = podListSchema.parse((await client.get(path)) ?? { items: [] });
  const evicted: string[] = [];
  const left: string[] = [];
  const blocked: { pod: string; reason: string }[] = [];
  for (const pod of items) {
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (stays(pod)) {
      left.push(name);
      continue;
    }
    const reason = pod.metadata.deletionTimestamp === undefined ? await evict(client, pod) : "is ending";
    if (reason === undefined) evicted.push(name);
    else blocked.push({ pod: name, reason });
  }
  return { evicted, left, blocked };
}

/** A DaemonSet's pod would come back at once, a static one belongs to the kubelet, a finished one holds nothing up. */
function stays({ metadata, status }: Pod): boolean {
  return (
    metadata.ownerReferences.some(({ kind, controller }) => controller && kind === "DaemonSet") ||
    "kubernetes.io/config.mirror" in metadata.annotations ||
    status.phase === "Succeeded" ||
    status.phase === "Failed"
  );
}

/** Why the pod is still protected; undefined when it goes. */
async function evict(client: ApiClient, { metadata }: Pod): Promise<string | undefined> {
  const { namespace, name } = metadata;
  const answer = await client.call({
    method: "POST",
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/eviction`,
    body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } },
  });
  if (answer.ok || answer.status === 404) return undefined;
  if (answer.status === 429) return answer.message;
  throw refusal(answer, `to evict ${namespace}/${name}`);
}
