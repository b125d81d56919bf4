/** kube-prometheus: Prometheus, Alertmanager and Grafana with exporters, rules and dashboards for the cluster itself. */
import { z } from "zod";
import { type Addon, addon, taggedManifest } from "./addon.ts";
import { change, type KubernetesObject, type Objects, withValue } from "./objects.ts";
import { claim } from "./workload.ts";

const VERSION = "0.18.0";
const REPOSITORY = "prometheus-operator/kube-prometheus";
const PROJECT = { component: "kube-prometheus", repository: REPOSITORY, version: VERSION };
const NAMESPACE = "monitoring";

const DEFINITIONS =
  "alertmanagerConfig alertmanager podmonitor probe prometheus prometheusagent prometheusrule scrapeconfig servicemonitor thanosruler";

/** Files of the release below `manifests/`, by the part before their dash. */
const FILES = {
  alertmanager:
    "alertmanager networkPolicy podDisruptionBudget prometheusRule secret service serviceAccount serviceMonitor",
  blackboxExporter:
    "clusterRole clusterRoleBinding configuration deployment networkPolicy service serviceAccount serviceMonitor",
  grafana:
    "config dashboardDatasources dashboardDefinitions dashboardSources deployment networkPolicy prometheusRule service serviceAccount serviceMonitor",
  kubePrometheus: "prometheusRule",
  kubeStateMetrics:
    "clusterRole clusterRoleBinding deployment networkPolicy prometheusRule service serviceAccount serviceMonitor",
  kubernetesControlPlane:
    "prometheusRule serviceMonitorApiserver serviceMonitorCoreDNS serviceMonitorKubeControllerManager serviceMonitorKubeScheduler serviceMonitorKubelet",
  nodeExporter:
    "clusterRole clusterRoleBinding daemonset networkPolicy prometheusRule service serviceAccount serviceMonitor",
  prometheus:
    "clusterRole clusterRoleBinding networkPolicy podDisruptionBudget prometheus prometheusRule roleBindingConfig roleBindingSpecificNamespaces roleConfig roleSpecificNamespaces service serviceAccount serviceMonitor",
  prometheusAdapter:
    "apiService clusterRole clusterRoleAggregatedMetricsReader clusterRoleBinding clusterRoleBindingDelegator clusterRoleServerResources configMap deployment networkPolicy podDisruptionBudget roleBindingAuthReader service serviceAccount serviceMonitor",
  prometheusOperator:
    "clusterRole clusterRoleBinding deployment networkPolicy prometheusRule service serviceAccount serviceMonitor",
} as const;

const PATHS = [
  "setup/namespace",
  ...DEFINITIONS.split(" ").map((name) => `setup/0${name}CustomResourceDefinition`),
  ...Object.entries(FILES).flatMap(([part, names]) => names.split(" ").map((name) => `${part}-${name}`)),
];

const storageSchema = z.strictObject({
  size: z.string().regex(/^\d+(Gi|Ti)$/, "expected a size like 100Gi"),
  storageClass: z.string().min(1).optional(),
});

const parameters = z.strictObject({
  retention: z
    .string()
    .regex(/^\d+[hdwy]$/, "expected a time like 15d")
    .default("15d"),
  storage: storageSchema
    .optional()
    .meta({ description: "Volume of each Prometheus; its data is lost with its pod if left out" }),
  replicas: z.int().min(1).max(3).default(2),
  grafanaNodePort: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .meta({ description: "Reach Grafana on this port of every node" }),
  networkPolicies: z
    .boolean()
    .default(true)
    .meta({ description: "Let in only what the project's policies let in" }),
});

export const kubePrometheus: Addon = addon({
  name: "kube-prometheus",
  summary: "Prometheus, Alertmanager and Grafana, watching the cluster",
  kind: "addon",
  version: VERSION,
  kubernetes: { from: "1.33", to: "1.36" },
  sources: PATHS.map((path) => taggedManifest(PROJECT, `manifests/${path}.yaml`)),
  images: [
    "docker.io/grafana/grafana:13.0.2",
    "ghcr.io/jimmidyson/configmap-reload:v0.15.0",
    "quay.io/brancz/kube-rbac-proxy:v0.22.0",
    "quay.io/prometheus-operator/prometheus-config-reloader:v0.92.0",
    "quay.io/prometheus-operator/prometheus-operator:v0.92.0",
    "quay.io/prometheus/alertmanager:v0.33.0",
    "quay.io/prometheus/blackbox-exporter:v0.28.0",
    "quay.io/prometheus/node-exporter:v1.11.1",
    "quay.io/prometheus/prometheus:v3.12.0",
    "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.19.0",
    "registry.k8s.io/prometheus-adapter/prometheus-adapter:v0.12.0",
  ],
  parameters,
  workloads: [
    { kind: "Deployment", namespace: NAMESPACE, name: "prometheus-operator" },
    { kind: "Deployment", namespace: NAMESPACE, name: "grafana" },
    { kind: "DaemonSet", namespace: NAMESPACE, name: "node-exporter" },
  ],
  transform: (objects, { parameters: wanted, cluster }) => {
    // Two servers of the same API cannot be registered: metrics-server was asked for by name and wins.
    const both = cluster.spec.addons.some(({ name }) => name === "metrics-server");
    const kept = objects.filter(
      (object) => !(both && isAdapter(object)) && (wanted.networkPolicies || object.kind !== "NetworkPolicy"),
    );
    const stored = change(kept, { kind: "Prometheus", name: "k8s" }, (object) => {
      const timed = withValue(object, ["spec", "retention"], wanted.retention);
      const scaled = withValue(timed, ["spec", "replicas"], wanted.replicas);
      if (!wanted.storage) return scaled;
      const template = claim("data", wanted.storage);
      return withValue(scaled, ["spec", "storage"], { volumeClaimTemplate: template });
    });
    return wanted.grafanaNodePort === undefined ? stored : exposed(stored, wanted.grafanaNodePort);
  },
});

function exposed(objects: Objects, nodePort: number): Objects {
  return change(objects, { kind: "Service", name: "grafana" }, (object) =>
    withValue(withValue(object, ["spec", "type"], "NodePort"), ["spec", "ports", 0, "nodePort"], nodePort),
  );
}

function isAdapter({ kind, metadata }: KubernetesObject): boolean {
  return kind === "APIService" || metadata.labels?.["app.kubernetes.io/name"] === "prometheus-adapter";
}
