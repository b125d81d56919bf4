/** Manifests with the layout that the projects' own have, as small as they can be: what the catalogue's changes work on. */
import { addonNamed, networkNamed } from "../../src/domain/components/addons/catalogue.ts";
import type { UpstreamFile } from "../../src/domain/components/component-files.ts";

const workload = (kind: string, place: string, name: string, container: string, more = ""): string => `---
apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name}, namespace: ${place} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
      - name: ${container}
        image: example.org/${name}:v1
        args: [--first=1]
${more}`;

const PROBES = `        livenessProbe: { exec: { command: [/bin/calico-node, -felix-live, -bird-live] } }
        readinessProbe: { exec: { command: [/bin/calico-node, -felix-ready, -bird-ready] } }
        env: [{ name: CALICO_IPV4POOL_IPIP, value: Always }, { name: IP, value: autodetect }]
`;

const NET_CONF = `  net-conf.json: |
    { "Network": "10.244.0.0/16", "Backend": { "Type": "vxlan" } }
`;

const configMap = (place: string, name: string, data: string): string => `---
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: ${place} }
data:
${data}`;

const one = (apiVersion: string, kind: string, name: string, spec = "{}"): string => `---
apiVersion: ${apiVersion}
kind: ${kind}
metadata: { name: ${name}, namespace: somewhere }
spec: ${spec}
`;

/** By component: the text of its first manifest; the other ones of its files are empty. */
const MANIFESTS: Readonly<Record<string, string>> = {
  flannel:
    one("v1", "Namespace", "kube-flannel") +
    configMap("kube-flannel", "kube-flannel-cfg", NET_CONF) +
    workload("DaemonSet", "kube-flannel", "kube-flannel-ds", "kube-flannel"),
  calico:
    configMap("kube-system", "calico-config", "  calico_backend: bird\n  veth_mtu: '0'\n") +
    workload("DaemonSet", "kube-system", "calico-node", "calico-node", PROBES) +
    configMap("kube-system", "canal-config", `  canal_iface: ""\n  veth_mtu: '0'\n${NET_CONF}`) +
    workload("DaemonSet", "kube-system", "canal", "calico-node", PROBES),
  "metrics-server": workload("Deployment", "kube-system", "metrics-server", "metrics-server"),
  metallb:
    one("v1", "Namespace", "metallb-system") +
    workload("Deployment", "metallb-system", "controller", "controller"),
  "cert-manager": workload("Deployment", "cert-manager", "cert-manager", "controller"),
  headlamp:
    one("v1", "Service", "headlamp", "{ ports: [{ port: 80 }] }") +
    workload("Deployment", "kube-system", "headlamp", "headlamp").replace("headlamp:v1", "headlamp:latest") +
    one("v1", "Secret", "headlamp-admin"),
  traefik: `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: traefik-ingress-controller }
subjects: [{ kind: ServiceAccount, name: traefik-ingress-controller, namespace: default }]
`,
  "rook-ceph":
    one(
      "ceph.rook.io/v1",
      "CephCluster",
      "rook-ceph",
      "{ mon: { count: 3 }, mgr: { count: 2 }, storage: { useAllNodes: true } }",
    ) + workload("Deployment", "rook-ceph", "rook-ceph-tools", "rook-ceph-tools"),
  "kube-prometheus":
    one("monitoring.coreos.com/v1", "Prometheus", "k8s", "{ replicas: 2 }") +
    one("v1", "Service", "grafana", "{ ports: [{ port: 3000 }] }") +
    one("networking.k8s.io/v1", "NetworkPolicy", "grafana") +
    one("apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io"),
  eck: one("v1", "Namespace", "elastic-system"),
};

/** The text of a manifest; empty for the further files of the same component. */
export function manifestText(file: UpstreamFile): string {
  const [first] = addonNamed(file.component)?.sources ?? networkNamed(file.component)?.sources ?? [];
  const text = MANIFESTS[file.component];
  if (text === undefined) throw new Error(`no manifest for ${file.path}`);
  // Calico's and canal's manifest are made of the same parts.
  return first === undefined || first.path === file.path || file.component === "calico"
    ? text
    : "# nothing\n";
}
