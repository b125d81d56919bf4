/**
 * The logs of every container in one place: Fluent Bit on every node, OpenSearch to keep and OpenSearch Dashboards to
 * search them. What EFK was, with free licences.
 */
import { z } from "zod";
import { type Addon, addon } from "./addon.ts";
import type { KubernetesObject } from "./objects.ts";
import {
  appLabels,
  claim,
  clusterRole,
  configMap,
  namespace,
  service,
  serviceAccount,
  workload,
} from "./workload.ts";

const VERSION = "3.8.0";
const FLUENT_BIT = "docker.io/fluent/fluent-bit:5.1.2";
const OPENSEARCH = `docker.io/opensearchproject/opensearch:${VERSION}`;
const DASHBOARDS = `docker.io/opensearchproject/opensearch-dashboards:${VERSION}`;
const PLACE = "logging";

const parameters = z.strictObject({
  size: z
    .string()
    .regex(/^\d+(Gi|Ti)$/, "expected a size like 200Gi")
    .default("200Gi"),
  storageClass: z.string().min(1).optional(),
  heap: z
    .string()
    .regex(/^\d+[mg]$/, "expected a size like 1g")
    .default("1g"),
  nodePort: z.int().min(1).max(65_535).optional().meta({
    description: "Reach the dashboards on this port of every node; they ask for no password",
  }),
});

type Parameters = z.output<typeof parameters>;

export const logging: Addon = addon({
  name: "logging",
  summary: "Container logs of every node, kept in OpenSearch, searched in its dashboards",
  kind: "addon",
  version: VERSION,
  kubernetes: { from: "1.35", to: "1.37" },
  sources: [],
  images: [FLUENT_BIT, OPENSEARCH, DASHBOARDS],
  parameters,
  workloads: [
    { kind: "StatefulSet", namespace: PLACE, name: "opensearch" },
    { kind: "DaemonSet", namespace: PLACE, name: "fluent-bit" },
    { kind: "Deployment", namespace: PLACE, name: "dashboards" },
  ],
  transform: (objects, { parameters: wanted }) => [
    ...objects,
    namespace(PLACE),
    ...store(wanted),
    ...dashboards(wanted),
    ...collector(),
  ],
});

/** The store asks for no password: only pods of this namespace reach it, where the pod network knows policies. */
function store({ size, storageClass, heap }: Parameters): readonly KubernetesObject[] {
  const environment = {
    "discovery.type": "single-node",
    DISABLE_SECURITY_PLUGIN: "true",
    DISABLE_INSTALL_DEMO_CONFIG: "true",
    OPENSEARCH_JAVA_OPTS: `-Xms${heap} -Xmx${heap}`,
  };
  const pod = {
    securityContext: { fsGroup: 1000, runAsUser: 1000, runAsNonRoot: true },
    containers: [
      {
        name: "opensearch",
        image: OPENSEARCH,
        env: Object.entries(environment).map(([name, value]) => ({ name, value })),
        ports: [{ name: "http", containerPort: 9200 }],
        readinessProbe: { httpGet: { path: "/_cluster/health", port: "http" }, periodSeconds: 10 },
        volumeMounts: [{ name: "data", mountPath: "/usr/share/opensearch/data" }],
      },
    ],
  };
  return [
    service({ name: "opensearch", namespace: PLACE }, { app: "opensearch", port: 9200, headless: true }),
    workload(
      "StatefulSet",
      { name: "opensearch", namespace: PLACE },
      {
        replicas: 1,
        serviceName: "opensearch",
        pod,
        volumeClaimTemplates: [claim("data", { size, storageClass })],
      },
    ),
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "opensearch", namespace: PLACE },
      spec: {
        podSelector: { matchLabels: appLabels("opensearch") },
        policyTypes: ["Ingress"],
        ingress: [{ from: [{ podSelector: {} }] }],
      },
    },
  ];
}

function dashboards({ nodePort }: Parameters): readonly KubernetesObject[] {
  const environment = {
    OPENSEARCH_HOSTS: '["http://opensearch:9200"]',
    DISABLE_SECURITY_DASHBOARDS_PLUGIN: "true",
  };
  const pod = {
    containers: [
      {
        name: "dashboards",
        image: DASHBOARDS,
        env: Object.entries(environment).map(([name, value]) => ({ name, value })),
        ports: [{ name: "http", containerPort: 5601 }],
      },
    ],
  };
  return [
    service({ name: "dashboards", namespace: PLACE }, { app: "dashboards", port: 5601, nodePort }),
    workload("Deployment", { name: "dashboards", namespace: PLACE }, { replicas: 1, pod }),
  ];
}

const CONFIGURATION = `service:
  flush: 5
  parsers_file: /fluent-bit/etc/parsers.conf
  http_server: on
pipeline:
  inputs:
    - name: tail
      path: /var/log/containers/*.log
      multiline.parser: cri
      tag: kube.*
      db: /var/lib/fluent-bit/tail.db
      mem_buf_limit: 16MB
      skip_long_lines: on
  filters:
    - name: kubernetes
      match: kube.*
      merge_log: on
      keep_log: off
  outputs:
    - name: opensearch
      match: "*"
      host: opensearch
      port: 9200
      logstash_format: on
      logstash_prefix: kubernetes
      replace_dots: on
      suppress_type_name: on
      retry_limit: 20
`;

function collector(): readonly KubernetesObject[] {
  const name = { name: "fluent-bit", namespace: PLACE };
  const host = (volume: string, path: string): object => ({ name: volume, hostPath: { path } });
  const pod = {
    serviceAccountName: name.name,
    tolerations: [{ operator: "Exists", effect: "NoSchedule" }],
    containers: [
      {
        name: name.name,
        image: FLUENT_BIT,
        args: ["--config=/fluent-bit/etc/muster/fluent-bit.yaml"],
        resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "256Mi" } },
        volumeMounts: [
          { name: "settings", mountPath: "/fluent-bit/etc/muster" },
          { name: "logs", mountPath: "/var/log", readOnly: true },
          { name: "state", mountPath: "/var/lib/fluent-bit" },
        ],
      },
    ],
    volumes: [
      { name: "settings", configMap: { name: name.name } },
      host("logs", "/var/log"),
      { name: "state", hostPath: { path: "/var/lib/fluent-bit", type: "DirectoryOrCreate" } },
    ],
  };
  const readPods = { apiGroups: [""], resources: ["pods", "namespaces"], verbs: ["get", "list", "watch"] };
  return [
    serviceAccount(name),
    ...clusterRole(name, [readPods]),
    configMap(name, { "fluent-bit.yaml": CONFIGURATION }),
    workload("DaemonSet", name, { pod }),
  ];
}
