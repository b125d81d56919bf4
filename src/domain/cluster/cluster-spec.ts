/** What a person says about one cluster: the `spec` of a `Cluster` resource. Defaults are filled in by parsing. */
import { z } from "zod";
import { DEFAULT_KUBERNETES_VERSION } from "../components/kubernetes-release.ts";
import { nameSchema, ROLES } from "../machine-spec.ts";
import {
  cidrSchema,
  componentSchema,
  directorySchema,
  dnsNameSchema,
  durationSchema,
  extraArgsSchema,
  ipSchema,
  passThroughSchema,
  portSchema,
  versionSchema,
  wordSchema,
} from "./cluster-fields.ts";
import { endpointSchema } from "./endpoint-spec.ts";
import { dnsRoleSchema, nodeSchema, registryRoleSchema, runtimeSchema } from "./node-settings.ts";

const etcdSchema = z.strictObject({
  topology: z
    .enum(["stacked", "external"])
    .default("stacked")
    .meta({ description: "On the control planes, or on machines with the role etcd" }),
  deployment: z
    .enum(["systemd", "static-pod"])
    .default("systemd")
    .meta({ description: "How an external etcd runs" }),
  version: versionSchema
    .optional()
    .describe("Version of an external etcd; the one that kubeadm would use if left out"),
  dataDir: directorySchema.default("/var/lib/etcd").describe("Where etcd keeps its data"),
  clusterToken: wordSchema.optional().describe("Token of an external etcd's first start"),
  extraArgs: extraArgsSchema,
});

const nodeNetworkSchema = z
  .strictObject({
    cidr: cidrSchema.meta({ description: "The machines' own network" }),
    gateway: ipSchema.optional().describe("Default gateway of the machines"),
    dns: z.array(ipSchema).default([]).describe("Name servers of the machines"),
  })
  .meta({
    description:
      "Network of the machines, from which those with an address get prefix, gateway and name servers; that of muster.yaml when left out",
  });

const networkSchema = z.strictObject({
  cni: z.enum(["flannel", "calico", "canal", "cilium", "routed", "none"]).default("flannel").meta({
    description: "Pod network; routed needs no overlay but one LAN, none leaves it to the person",
  }),
  cniOptions: passThroughSchema.meta({
    description: "Options of the pod network, such as { backend: host-gw } for flannel",
  }),
  nodes: nodeNetworkSchema.optional(),
  podCIDR: cidrSchema.default("10.244.0.0/16").describe("Network of the pods"),
  serviceCIDR: cidrSchema
    .default("10.96.0.0/12")
    .describe("Network of the services; DNS gets its tenth address"),
  nodePrefix: z
    .int()
    .min(16)
    .max(30)
    .default(24)
    .meta({ description: "Size of each node's part of podCIDR" }),
  dnsDomain: dnsNameSchema.default("cluster.local").describe("Domain of the services"),
  mtu: z
    .int()
    .min(576)
    .max(9216)
    .optional()
    .meta({ description: "MTU of the pod network; worked out by it when left out" }),
  nodePortRange: z
    .string()
    .regex(/^\d+-\d+$/, "expected a range like 30000-32767")
    .optional()
    .describe("Ports for services of the type NodePort; 30000-32767 when left out"),
});

const controlPlaneSchema = z.strictObject({
  schedulable: z.boolean().optional().meta({
    description: "Run workloads on control planes; when left out, on those that have the role worker too",
  }),
  certSANs: z
    .array(z.union([ipSchema, dnsNameSchema]))
    .default([])
    .meta({ description: "Further names and addresses in the API server's certificate" }),
  apiServer: componentSchema,
  controllerManager: componentSchema,
  scheduler: componentSchema,
  featureGates: z
    .record(z.string(), z.boolean())
    .default({})
    .meta({ description: "Feature gates of every component of Kubernetes" }),
});

const patchSchema = z.strictObject({
  target: z
    .enum([
      "kube-apiserver",
      "kube-controller-manager",
      "kube-scheduler",
      "etcd",
      "kubeletconfiguration",
      "corednsdeployment",
    ])
    .describe("What is changed"),
  type: z.enum(["strategic", "merge", "json"]).default("strategic").describe("How the change is written"),
  content: z.string().min(1).describe("The change as YAML or JSON"),
});

const kubeadmSchema = z.strictObject({
  ignorePreflightErrors: z
    .array(z.string().min(1))
    .default([])
    .meta({ description: "Preflight checks whose errors become warnings" }),
  skipPhases: z.array(z.string().min(1)).default([]).describe("Phases of `kubeadm init` that are left out"),
  timeouts: z
    .strictObject({
      controlPlaneComponentHealthCheck: durationSchema
        .default("10m0s")
        .describe("Wait for the components of a control plane"),
      kubeletHealthCheck: durationSchema.default("4m0s").describe("Wait for the kubelet"),
      kubernetesAPICall: durationSchema.default("1m0s").describe("Wait for an answer of the API server"),
      etcdAPICall: durationSchema
        .default("5m0s")
        .describe("Wait for etcd, which lets one member in at a time"),
      tlsBootstrap: durationSchema.default("10m0s").describe("Wait for the kubelet's certificate"),
      discovery: durationSchema.default("10m0s").describe("Wait for the cluster to answer a joining machine"),
    })
    .prefault({}),
  featureGates: z.record(z.string(), z.boolean()).default({}).describe("Feature gates of kubeadm itself"),
  patches: z.array(patchSchema).default([]).meta({
    description: "Changes to what kubeadm writes, given to every machine again whenever it is installed",
  }),
});

const addonSchema = z.union([
  nameSchema.transform((name) => ({ name, version: undefined, parameters: {} })),
  z.strictObject({
    name: nameSchema.meta({ description: "Name in the catalogue", example: "metrics-server" }),
    version: versionSchema.optional().describe("Exact version; the catalogue's when left out"),
    parameters: passThroughSchema.describe("Its settings, as docs/addons.md names them"),
  }),
]);

const pkiSchema = z.strictObject({
  keyAlgorithm: z
    .enum(["RSA-2048", "RSA-3072", "RSA-4096", "ECDSA-P256", "ECDSA-P384"])
    .default("RSA-2048")
    .describe("Keys of the cluster's authorities and certificates"),
  caValidityDays: z.int().min(30).max(36_500).default(3650).describe("Life of the authorities"),
  certificateValidityDays: z
    .int()
    .min(1)
    .max(3650)
    .default(365)
    .describe("Life of the certificates they sign"),
});

const imagesSchema = z.strictObject({
  repository: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.:/_-]*$/, "expected a repository like registry.example.com/kubernetes")
    .default("registry.k8s.io")
    .describe("Where the images of Kubernetes come from"),
  fallback: z
    .boolean()
    .default(true)
    .meta({ description: "Machines ask the upstream registry itself while the appliance is gone" }),
});

/** Machines written together: one name pattern, one role set, a list of MACs. */
const machineGroupSchema = z.strictObject({
  names: z.string().min(1).meta({
    description: "Name pattern: a run of # becomes the ordinal with that many digits, as in site-k8s-m-##",
  }),
  first: z.int().min(0).default(1).meta({ description: "Ordinal of the first machine" }),
  macs: z
    .array(z.string("expected a MAC address like 52:54:00:12:34:01; one without colons needs quotes"))
    .min(1)
    .meta({ description: "Boot MACs in the order of the ordinals" }),
  addresses: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .meta({ description: "First of consecutive addresses, a range like 10.0.0.10-10.0.0.12, or a list" }),
  roles: z.array(z.enum(ROLES)).min(1).describe("What each of them is for"),
  profile: nameSchema.optional().meta({ description: "Profile of each of them" }),
  spec: passThroughSchema.meta({ description: "Further fields of each machine, as in a Machine" }),
});

export const clusterSpecSchema = z.strictObject({
  kubernetes: z
    .strictObject({
      version: versionSchema.default(DEFAULT_KUBERNETES_VERSION).describe("Exact version of Kubernetes"),
    })
    .prefault({})
    .meta({ description: "Which Kubernetes" }),
  endpoint: endpointSchema.optional(),
  apiPort: portSchema.default(6443).meta({ description: "Port of each API server itself" }),
  etcd: etcdSchema.prefault({}),
  network: networkSchema.prefault({}),
  controlPlane: controlPlaneSchema.prefault({}),
  kubelet: z
    .strictObject({
      config: passThroughSchema.meta({ description: "Merged into the KubeletConfiguration" }),
      extraArgs: extraArgsSchema,
    })
    .prefault({}),
  kubeProxy: z
    .strictObject({
      config: passThroughSchema.meta({ description: "Merged into the KubeProxyConfiguration" }),
      disabled: z.boolean().default(false).describe("The pod network replaces kube-proxy"),
    })
    .prefault({}),
  kubeadm: kubeadmSchema.prefault({}),
  runtime: runtimeSchema.prefault({}),
  node: nodeSchema.prefault({}),
  addons: z
    .array(addonSchema)
    .default([])
    .meta({ description: "Add-ons of the catalogue: a name, or { name, version, parameters }" }),
  pki: pkiSchema.prefault({}),
  images: imagesSchema.prefault({}),
  registry: registryRoleSchema.prefault({}),
  dns: dnsRoleSchema.prefault({}),
  profile: nameSchema.optional().meta({ description: "Profile of machines that name none themselves" }),
  defaults: passThroughSchema.meta({
    description: "Fields that every machine of the cluster inherits, as in a Machine; a profile's win",
  }),
  machines: z
    .array(machineGroupSchema)
    .default([])
    .meta({ description: "Machines written as groups; single ones are Machine documents of their own" }),
});

/** A cluster's spec after parsing: every default filled in. */
export type ClusterSpec = z.output<typeof clusterSpecSchema>;
/** A cluster's spec as a person writes it. */
export type ClusterSpecInput = z.input<typeof clusterSpecSchema>;
export type MachineGroup = z.output<typeof machineGroupSchema>;
