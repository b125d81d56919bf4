/** Calico, and Canal: Calico's policies over flannel's network. Both from the project's plain manifests. */
import { z } from "zod";
import { type Addon, addon, taggedManifest } from "./addon.ts";
import {
  change,
  changeContainer,
  changeJson,
  type KubernetesObject,
  valueAt,
  withEnvironment,
  withValue,
} from "./objects.ts";

const VERSION = "3.32.2";
const PROJECT = { component: "calico", repository: "projectcalico/calico", version: VERSION };
const IMAGES = ["cni", "node", "kube-controllers"].map((name) => `quay.io/calico/${name}:v${VERSION}`);
const NODE = "calico-node";

const calicoParameters = z.strictObject({
  encapsulation: z
    .enum(["VXLAN", "VXLANCrossSubnet", "IPIP", "IPIPCrossSubnet", "None"])
    .default("VXLAN")
    .meta({ description: "None routes by BGP and needs nodes on one LAN, or routers that take part" }),
  nodeAddress: z.string().min(1).default("kubernetes-internal-ip").meta({
    description: "How a node's own address is found: as Calico writes it, for example cidr=10.0.0.0/24",
  }),
  blockSize: z.int().min(20).max(32).optional(),
  natOutgoing: z.boolean().default(true),
  wireguard: z.boolean().default(false).meta({ description: "Encrypt what pods of different nodes say" }),
});

/** By encapsulation: what the pool is told about IP-in-IP and about VXLAN. */
const POOL_MODES = {
  VXLAN: { ipip: "Never", vxlan: "Always" },
  VXLANCrossSubnet: { ipip: "Never", vxlan: "CrossSubnet" },
  IPIP: { ipip: "Always", vxlan: "Never" },
  IPIPCrossSubnet: { ipip: "CrossSubnet", vxlan: "Never" },
  None: { ipip: "Never", vxlan: "Never" },
} as const;

export const calico: Addon = addon({
  name: "calico",
  summary: "Pod network with policies: VXLAN, IP-in-IP, or routes by BGP",
  kind: "network",
  version: VERSION,
  kubernetes: { from: "1.34", to: "1.36" },
  sources: [taggedManifest(PROJECT, "manifests/calico.yaml")],
  images: IMAGES,
  parameters: calicoParameters,
  workloads: [
    { kind: "DaemonSet", namespace: "kube-system", name: NODE },
    { kind: "Deployment", namespace: "kube-system", name: "calico-kube-controllers" },
  ],
  transform: (objects, { parameters, cluster }) => {
    const { podCIDR, mtu } = cluster.spec.network;
    const { ipip, vxlan } = POOL_MODES[parameters.encapsulation];
    // Without BGP neither its daemon nor its probes have anything to do.
    const onlyVxlan = parameters.encapsulation === "VXLAN";
    const configured = change(objects, { kind: "ConfigMap", name: "calico-config" }, (object) => {
      const backed = withValue(object, ["data", "calico_backend"], onlyVxlan ? "vxlan" : "bird");
      return mtu === undefined ? backed : withValue(backed, ["data", "veth_mtu"], String(mtu));
    });
    return change(configured, { kind: "DaemonSet", name: NODE }, (object) => {
      const set = withEnvironment(object, NODE, {
        CALICO_IPV4POOL_CIDR: podCIDR,
        CALICO_IPV4POOL_IPIP: ipip,
        CALICO_IPV4POOL_VXLAN: vxlan,
        CALICO_IPV4POOL_NAT_OUTGOING: String(parameters.natOutgoing),
        IP_AUTODETECTION_METHOD: parameters.nodeAddress,
        ...(parameters.blockSize !== undefined && {
          CALICO_IPV4POOL_BLOCK_SIZE: String(parameters.blockSize),
        }),
        ...(parameters.wireguard && { FELIX_WIREGUARDENABLED: "true" }),
      });
      return onlyVxlan ? withoutBirdProbes(set) : set;
    });
  },
});

const canalParameters = z.strictObject({
  backend: z.enum(["vxlan", "host-gw"]).default("vxlan"),
  interface: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Interface between nodes; of the default route if left out" }),
});

export const canal: Addon = addon({
  name: "canal",
  summary: "flannel's pod network with Calico's policies",
  kind: "network",
  version: VERSION,
  kubernetes: { from: "1.34", to: "1.36" },
  sources: [taggedManifest(PROJECT, "manifests/canal.yaml")],
  images: [...IMAGES, "docker.io/flannel/flannel:v0.24.4"],
  parameters: canalParameters,
  workloads: [
    { kind: "DaemonSet", namespace: "kube-system", name: "canal" },
    { kind: "Deployment", namespace: "kube-system", name: "calico-kube-controllers" },
  ],
  transform: (objects, { parameters, cluster }) => {
    const { podCIDR, mtu } = cluster.spec.network;
    const configured = change(objects, { kind: "ConfigMap", name: "canal-config" }, (object) => {
      const networked = changeJson(object, "net-conf.json", (settings) => ({
        ...settings,
        Network: podCIDR,
        Backend: { Type: parameters.backend },
      }));
      const sized = mtu === undefined ? networked : withValue(networked, ["data", "veth_mtu"], String(mtu));
      return withValue(sized, ["data", "canal_iface"], parameters.interface ?? "");
    });
    return change(configured, { kind: "DaemonSet", name: "canal" }, (object) =>
      withEnvironment(object, NODE, { CALICO_IPV4POOL_CIDR: podCIDR }),
    );
  },
});

function withoutBirdProbes(object: KubernetesObject): KubernetesObject {
  return changeContainer(object, NODE, (fields) => {
    let changed = fields;
    for (const probe of ["livenessProbe", "readinessProbe"]) {
      const command = valueAt(changed, [probe, "exec", "command"]);
      if (!Array.isArray(command)) continue;
      const kept = (command as readonly unknown[]).filter(
        (word) => !/^-bird-(live|ready)$/.test(String(word)),
      );
      changed = withValue(changed, [probe, "exec", "command"], kept);
    }
    return changed;
  });
}
