/** flannel: an overlay by VXLAN or WireGuard, or plain routes between nodes of one LAN. */
import { z } from "zod";
import { type Addon, addon, releaseManifest } from "./addon.ts";
import { change, changeJson, withArguments } from "./objects.ts";

const VERSION = "0.28.9";
const PROJECT = { component: "flannel", repository: "flannel-io/flannel", version: VERSION };

const parameters = z.strictObject({
  backend: z
    .enum(["vxlan", "host-gw", "wireguard"])
    .default("vxlan")
    .meta({ description: "host-gw needs all nodes on one LAN and costs no overlay" }),
  interface: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Interface or regular expression of addresses" }),
  vni: z.int().min(1).max(16_777_215).optional().meta({ description: "VXLAN identifier" }),
  port: z.int().min(1).max(65_535).optional().meta({ description: "UDP port of the overlay" }),
  nftables: z
    .boolean()
    .optional()
    .meta({ description: "nftables instead of iptables; as kube-proxy when left out" }),
});

export const flannel: Addon = addon({
  name: "flannel",
  summary: "Pod network without policies: VXLAN, WireGuard or host-gw",
  kind: "network",
  version: VERSION,
  kubernetes: { from: "1.35", to: "1.37" },
  sources: [releaseManifest(PROJECT, "kube-flannel.yml")],
  images: [`ghcr.io/flannel-io/flannel:v${VERSION}`, "ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3"],
  parameters,
  workloads: [{ kind: "DaemonSet", namespace: "kube-flannel", name: "kube-flannel-ds" }],
  transform: (objects, { parameters: { backend, vni, port, nftables, interface: chosen }, cluster }) => {
    const { podCIDR, mtu } = cluster.spec.network;
    const details = {
      Type: backend,
      ...(backend === "vxlan" && vni !== undefined && { VNI: vni }),
      ...(port !== undefined && (backend === "wireguard" ? { ListenPort: port } : { Port: port })),
      ...(mtu !== undefined && { MTU: mtu }),
    };
    const tables = nftables ?? cluster.spec.kubeProxy.config["mode"] === "nftables";
    const configured = change(objects, { kind: "ConfigMap", name: "kube-flannel-cfg" }, (object) =>
      changeJson(object, "net-conf.json", (settings) => ({
        ...settings,
        Network: podCIDR,
        EnableNFTables: tables,
        Backend: details,
      })),
    );
    if (chosen === undefined) return configured;
    return change(configured, { kind: "DaemonSet", name: "kube-flannel-ds" }, (object) =>
      withArguments(object, "kube-flannel", [
        /[\^$|*]/.test(chosen) ? `--iface-regex=${chosen}` : `--iface=${chosen}`,
      ]),
    );
  },
});
