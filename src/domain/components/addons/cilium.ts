/**
 * Cilium: pod network and policies by eBPF. The project publishes no plain manifest, only a chart: these objects are our
 * own, for the part of it that clusters here need. The operator makes the definitions itself.
 */
import { z } from "zod";
import { apiEndpointOf, type ClusterView } from "../../cluster/members.ts";
import { type Addon, addon } from "./addon.ts";
import { agentRules, operatorRules } from "./cilium-rules.ts";
import { clusterRole, configMap, serviceAccount, workload } from "./workload.ts";

const VERSION = "1.20.1";
const AGENT = `quay.io/cilium/cilium:v${VERSION}`;
const OPERATOR = `quay.io/cilium/operator-generic:v${VERSION}`;
const PLACE = "kube-system";

const parameters = z.strictObject({
  routing: z
    .enum(["vxlan", "geneve", "native"])
    .default("vxlan")
    .meta({ description: "native sets routes between nodes of one LAN and needs no overlay" }),
  replaceKubeProxy: z
    .boolean()
    .optional()
    .meta({ description: "Do kube-proxy's work; when left out, where kubeProxy.disabled is set" }),
  wireguard: z.boolean().default(false).meta({ description: "Encrypt what pods of different nodes say" }),
  settings: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: "Further keys of cilium-config, as the project documents them" }),
});

type Parameters = z.output<typeof parameters>;

export const cilium: Addon = addon({
  name: "cilium",
  summary: "Pod network and policies by eBPF, with or without kube-proxy",
  kind: "network",
  version: VERSION,
  kubernetes: { from: "1.33", to: "1.36" },
  sources: [],
  images: [AGENT, OPERATOR],
  parameters,
  workloads: [
    { kind: "DaemonSet", namespace: PLACE, name: "cilium" },
    { kind: "Deployment", namespace: PLACE, name: "cilium-operator" },
  ],
  transform: (objects, { parameters: wanted, cluster }) => {
    const agent = { name: "cilium", namespace: PLACE };
    const operator = { name: "cilium-operator", namespace: PLACE };
    return [
      ...objects,
      serviceAccount(agent),
      serviceAccount(operator),
      ...clusterRole(agent, agentRules),
      ...clusterRole(operator, operatorRules),
      configMap({ name: "cilium-config", namespace: PLACE }, settings(wanted, cluster)),
      workload("DaemonSet", agent, { pod: agentPod(cluster), updateStrategy: { type: "RollingUpdate" } }),
      workload("Deployment", operator, { replicas: operators(cluster), pod: operatorPod(cluster) }),
    ];
  },
});

function settings(wanted: Parameters, cluster: ClusterView): Readonly<Record<string, string>> {
  const { podCIDR, mtu } = cluster.spec.network;
  const native = wanted.routing === "native";
  return {
    "cluster-name": "default",
    "cluster-id": "0",
    "identity-allocation-mode": "crd",
    "enable-ipv4": "true",
    "enable-ipv6": "false",
    ipam: "kubernetes",
    "routing-mode": native ? "native" : "tunnel",
    ...(native
      ? { "auto-direct-node-routes": "true", "ipv4-native-routing-cidr": podCIDR }
      : { "tunnel-protocol": wanted.routing }),
    "enable-ipv4-masquerade": "true",
    "kube-proxy-replacement": String(wanted.replaceKubeProxy ?? cluster.spec.kubeProxy.disabled),
    "enable-wireguard": String(wanted.wireguard),
    "enable-hubble": "false",
    "external-envoy-proxy": "false",
    "enable-l7-proxy": "true",
    "cgroup-root": "/sys/fs/cgroup",
    "bpf-root": "/sys/fs/bpf",
    "cni-exclusive": "true",
    "write-cni-conf-when-ready": "/host/etc/cni/net.d/05-cilium.conflist",
    "agent-health-port": "9879",
    "remove-cilium-node-taints": "true",
    "set-cilium-is-up-condition": "true",
    ...(mtu !== undefined && { mtu: String(mtu) }),
    ...wanted.settings,
  };
}

function operators({ members }: ClusterView): number {
  return members.length > 1 ? 2 : 1;
}

/** The cluster's Service address does not work before this network does: the API is reached at its endpoint. */
function environment(cluster: ClusterView): readonly object[] {
  const endpoint = apiEndpointOf(cluster);
  const field = (name: string, fieldPath: string): object => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  });
  return [
    field("K8S_NODE_NAME", "spec.nodeName"),
    field("CILIUM_K8S_NAMESPACE", "metadata.namespace"),
    ...(endpoint
      ? [
          { name: "KUBERNETES_SERVICE_HOST", value: endpoint.address },
          { name: "KUBERNETES_SERVICE_PORT", value: String(endpoint.port) },
        ]
      : []),
  ];
}

const CONFIG_VOLUME = { name: "settings", configMap: { name: "cilium-config" } };
const CONFIG_MOUNT = { name: "settings", mountPath: "/tmp/cilium/config-map", readOnly: true };
const EVERYWHERE = [{ operator: "Exists" }];

function agentPod(cluster: ClusterView): object {
  const host = (name: string, path: string, type: string): object => ({ name, hostPath: { path, type } });
  const healthy = {
    httpGet: {
      host: "127.0.0.1",
      path: "/healthz",
      port: 9879,
      httpHeaders: [{ name: "brief", value: "true" }],
    },
  };
  return {
    serviceAccountName: "cilium",
    hostNetwork: true,
    priorityClassName: "system-node-critical",
    tolerations: EVERYWHERE,
    terminationGracePeriodSeconds: 1,
    initContainers: [
      {
        name: "install-cni-binaries",
        image: AGENT,
        command: ["/install-plugin.sh"],
        volumeMounts: [{ name: "cni-path", mountPath: "/host/opt/cni/bin" }],
      },
    ],
    containers: [
      {
        name: "cilium-agent",
        image: AGENT,
        command: ["cilium-agent"],
        args: ["--config-dir=/tmp/cilium/config-map"],
        env: environment(cluster),
        startupProbe: { ...healthy, periodSeconds: 2, failureThreshold: 300 },
        livenessProbe: { ...healthy, periodSeconds: 30, failureThreshold: 10, timeoutSeconds: 5 },
        readinessProbe: { ...healthy, periodSeconds: 30, timeoutSeconds: 5 },
        securityContext: { privileged: true },
        volumeMounts: [
          CONFIG_MOUNT,
          { name: "bpf-maps", mountPath: "/sys/fs/bpf", mountPropagation: "Bidirectional" },
          { name: "cgroups", mountPath: "/sys/fs/cgroup" },
          { name: "cilium-run", mountPath: "/var/run/cilium" },
          { name: "netns", mountPath: "/var/run/cilium/netns", mountPropagation: "HostToContainer" },
          { name: "cni-configuration", mountPath: "/host/etc/cni/net.d" },
          { name: "lib-modules", mountPath: "/lib/modules", readOnly: true },
          { name: "xtables-lock", mountPath: "/run/xtables.lock" },
        ],
      },
    ],
    volumes: [
      CONFIG_VOLUME,
      host("bpf-maps", "/sys/fs/bpf", "DirectoryOrCreate"),
      host("cgroups", "/sys/fs/cgroup", "Directory"),
      host("cilium-run", "/var/run/cilium", "DirectoryOrCreate"),
      host("netns", "/var/run/netns", "DirectoryOrCreate"),
      host("cni-path", "/opt/cni/bin", "DirectoryOrCreate"),
      host("cni-configuration", "/etc/cni/net.d", "DirectoryOrCreate"),
      host("lib-modules", "/lib/modules", "Directory"),
      host("xtables-lock", "/run/xtables.lock", "FileOrCreate"),
    ],
  };
}

function operatorPod(cluster: ClusterView): object {
  const healthy = { httpGet: { host: "127.0.0.1", path: "/healthz", port: 9234 }, timeoutSeconds: 3 };
  return {
    serviceAccountName: "cilium-operator",
    hostNetwork: true,
    priorityClassName: "system-cluster-critical",
    tolerations: EVERYWHERE,
    containers: [
      {
        name: "cilium-operator",
        image: OPERATOR,
        command: ["cilium-operator-generic"],
        args: ["--config-dir=/tmp/cilium/config-map"],
        env: environment(cluster),
        livenessProbe: { ...healthy, initialDelaySeconds: 60 },
        readinessProbe: healthy,
        volumeMounts: [CONFIG_MOUNT],
      },
    ],
    // Both would bind the same port of a node.
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            labelSelector: { matchLabels: { "app.kubernetes.io/name": "cilium-operator" } },
            topologyKey: "kubernetes.io/hostname",
          },
        ],
      },
    },
    volumes: [CONFIG_VOLUME],
  };
}
