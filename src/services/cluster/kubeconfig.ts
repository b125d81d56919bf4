/** Kubeconfigs that the appliance signs: for a person, with an end. */
import { apiEndpointOf, type ClusterView } from "../../domain/cluster/members.ts";
import { MusterError } from "../../domain/errors.ts";
import type { ClusterPki } from "./cluster-pki.ts";

/** kubeadm binds this group to cluster-admin; taking the binding away takes away every such kubeconfig. */
export const ADMIN_GROUP = "kubeadm:cluster-admins";
export const DEFAULT_KUBECONFIG_MS = 30 * 86_400_000;

export interface KubeconfigRequest {
  /** Name of the user, as Kubernetes' audit log shows it. */
  readonly user?: string | undefined;
  /** Its groups; kubeadm's administrators when left out. */
  readonly groups?: readonly string[] | undefined;
  readonly lifetimeMs?: number | undefined;
}

export interface Kubeconfig {
  readonly text: string;
  readonly user: string;
  readonly groups: readonly string[];
  readonly expiresAt: number;
}

/** Makes a kubeconfig on a new key. @throws MusterError `refused` for a cluster without an endpoint. */
export async function makeKubeconfig(
  pki: ClusterPki,
  { cluster, request }: { readonly cluster: ClusterView; readonly request: KubeconfigRequest },
): Promise<Kubeconfig> {
  const endpoint = apiEndpointOf(cluster);
  if (!endpoint) {
    throw new MusterError(
      "refused",
      `cluster ${cluster.name} has neither an endpoint nor exactly one control plane; apply it with spec.endpoint`,
    );
  }
  const { user = "kubernetes-admin", groups = [ADMIN_GROUP], lifetimeMs = DEFAULT_KUBECONFIG_MS } = request;
  const { ca } = await pki.ensure(cluster);
  const client = await pki.clientCertificate(cluster, {
    commonName: user,
    organisations: groups,
    lifetimeMs,
  });
  const text = kubeconfigText({
    cluster: cluster.name,
    server: `https://${endpoint.name ?? endpoint.address}:${endpoint.port}`,
    authority: ca.certificate,
    user,
    client,
  });
  return { text, user, groups, expiresAt: client.expiresAt };
}

interface KubeconfigParts {
  readonly cluster: string;
  readonly server: string;
  readonly authority: string;
  readonly user: string;
  readonly client: { readonly certificate: string; readonly key: string };
}

/** JSON strings are YAML strings, whatever a user is called. */
function kubeconfigText({ cluster, server, authority, user, client }: KubeconfigParts): string {
  const context = JSON.stringify(`${user}@${cluster}`);
  return `apiVersion: v1
kind: Config
clusters:
  - name: ${JSON.stringify(cluster)}
    cluster:
      server: ${server}
      certificate-authority-data: ${base64(authority)}
users:
  - name: ${JSON.stringify(user)}
    user:
      client-certificate-data: ${base64(client.certificate)}
      client-key-data: ${base64(client.key)}
contexts:
  - name: ${context}
    context:
      cluster: ${JSON.stringify(cluster)}
      user: ${JSON.stringify(user)}
current-context: ${context}
`;
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
