/**
 * The certificate bundle that a cluster shows to machines that want to join (ConfigMap cluster-info in kube-public): kubeadm writes it
 * once; in a rotation somebody has to bring it up to date.
 */
import { z } from "zod";
import { apiEndpointOf, type ClusterView } from "../../domain/cluster/members.ts";
import type { EventSink, Log } from "../ports.ts";
import type { ClusterPki } from "./cluster-pki.ts";
import type { ClusterAccess, Manifest } from "./ports.ts";

const PATH = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
const shownSchema = z.object({ data: z.object({ kubeconfig: z.string().default("") }).prefault({}) });

export interface ClusterInfoOptions {
  readonly pki: Pick<ClusterPki, "ensure">;
  readonly access: ClusterAccess;
  readonly events: EventSink;
  readonly log: Log;
}

/** Makes cluster-info show the authorities that are trusted now, where it exists and shows others. Never throws for a silent cluster. */
export async function keepClusterInfo(options: ClusterInfoOptions, cluster: ClusterView): Promise<void> {
  const { pki, access, events, log } = options;
  const endpoint = apiEndpointOf(cluster);
  if (!endpoint) return;
  try {
    const kubernetes = await access.kubernetes(cluster);
    const present = await kubernetes.get(PATH);
    if (present === undefined) return;
    const bundle = Buffer.from((await pki.ensure(cluster)).ca.certificate).toString("base64");
    if (shownSchema.parse(present).data.kubeconfig.includes(bundle)) return;
    const server = `https://${endpoint.name ?? endpoint.address}:${endpoint.port}`;
    const [applied] = await kubernetes.apply([clusterInfo({ bundle, server })]);
    if (applied?.outcome !== "applied") throw new TypeError(applied?.reason ?? "it was not applied");
    events.record({
      type: "cluster-info-updated",
      source: "observer",
      message: `cluster ${cluster.name} now shows its present authorities to machines that join`,
      data: { cluster: cluster.name },
    });
  } catch (error) {
    log.warn(
      { err: error, cluster: cluster.name },
      "cluster-info could not be compared or brought up to date",
    );
  }
}

/** JSON is YAML; the signatures beside it are made again by the cluster itself. */
function clusterInfo({ bundle, server }: { readonly bundle: string; readonly server: string }): Manifest {
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "", cluster: { "certificate-authority-data": bundle, server } }],
    contexts: [],
    users: [],
    "current-context": "",
    preferences: {},
  };
  const data = { kubeconfig: `${JSON.stringify(kubeconfig, undefined, 2)}\n` };
  const metadata = { name: "cluster-info", namespace: "kube-public" };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, ...{ data } };
}
