/** Opens clusters with client certificates that the appliance signs for itself, in memory only and for a day. */
import { apiEndpointOf, type ClusterView, etcdMembersOf, membersWith } from "../../domain/cluster/members.ts";
import type { ClusterPki } from "../../services/cluster/cluster-pki.ts";
import type {
  ApiAddress,
  ClusterAccess,
  EtcdAccess,
  KubernetesAccess,
} from "../../services/cluster/ports.ts";
import type { Clock } from "../../services/ports.ts";
import { etcdAccess } from "./etcd-client.ts";
import { kubernetesAccess } from "./kubernetes-access.ts";
import type { ClientCredentials } from "./tls-request.ts";

/** Shown in the audit logs of Kubernetes. */
const NAME = "muster-appliance";
/**
 * The appliance holds the CA itself and works on clusters in every condition, also before kubeadm has bound its own
 * administrators' group.
 */
const GROUP = "system:masters";
const LIFETIME_MS = 86_400_000;
/** How long an opened cluster is used before its authorities are looked at again: a rotation changes them. */
const REUSE_MS = 60_000;

interface Opened {
  readonly view: ClusterView;
  readonly until: number;
  readonly kubernetes: KubernetesAccess;
  readonly etcd: EtcdAccess;
}

/** Access to clusters over their networks; what it opened is kept for a minute or until the cluster changes. */
export function clusterAccess(options: { readonly pki: ClusterPki; readonly clock: Clock }): ClusterAccess {
  const { pki, clock } = options;
  const opened = new Map<string, Promise<Opened>>();
  const open = async (view: ClusterView): Promise<Opened> => {
    const known = await opened.get(view.name)?.catch(() => undefined);
    if (known && known.view === view && known.until > clock.monotonic()) return known;
    const fresh = openCluster(view, { pki, clock });
    opened.set(view.name, fresh);
    return fresh;
  };
  return {
    kubernetes: async (cluster) => (await open(cluster)).kubernetes,
    etcd: async (cluster) => (await open(cluster)).etcd,
  };
}

async function openCluster(
  view: ClusterView,
  { pki, clock }: { readonly pki: ClusterPki; readonly clock: Clock },
): Promise<Opened> {
  const { ca, etcdCa } = await pki.ensure(view);
  const [client, etcdClient] = await Promise.all([
    pki.clientCertificate(view, { commonName: NAME, organisations: [GROUP], lifetimeMs: LIFETIME_MS }),
    pki.etcdClientCertificate(view, { commonName: NAME, lifetimeMs: LIFETIME_MS }),
  ]);
  const credentials = (authority: string, own: typeof client): ClientCredentials => ({
    authority,
    certificate: own.certificate,
    key: own.key,
  });
  return {
    view,
    until: clock.monotonic() + REUSE_MS,
    kubernetes: kubernetesAccess({
      cluster: view.name,
      addresses: apiAddresses(view),
      credentials: credentials(ca.certificate, client),
      clock,
    }),
    etcd: etcdAccess({
      cluster: view.name,
      addresses: etcdMembersOf(view).map(({ address }) => address),
      credentials: credentials(etcdCa.certificate, etcdClient),
    }),
  };
}

/** The endpoint first, then each control plane that is not the endpoint itself. */
export function apiAddresses(view: ClusterView): readonly ApiAddress[] {
  const endpoint = apiEndpointOf(view);
  const own = membersWith(view, "control-plane").map(({ address }) => ({ address, port: view.spec.apiPort }));
  if (!endpoint) return own;
  const { address, port } = endpoint;
  return [{ address, port }, ...own.filter((each) => each.address !== address || each.port !== port)];
}
