/** Modules and parameters of the kernel. */
import { isNode } from "../cluster/members.ts";
import { holdsEndpoint } from "./endpoint-hosts.ts";
import type { NodePlanInput } from "./plan-types.ts";

const CNI_MODULES: Readonly<Record<string, readonly string[]>> = {
  flannel: ["vxlan"],
  calico: ["vxlan", "ip_set"],
  canal: ["vxlan", "ip_set"],
  cilium: ["vxlan"],
  routed: [],
  none: [],
};

/** What the runtime, the pod network and storage need loaded, sorted. */
export function kernelModules(input: NodePlanInput): readonly string[] {
  const { member, cluster } = input;
  const node = isNode(member)
    ? ["overlay", "br_netfilter", "nf_conntrack", ...(CNI_MODULES[cluster.spec.network.cni] ?? [])]
    : [];
  const storage =
    member.roles.includes("storage") || cluster.spec.addons.some(({ name }) => /rook|ceph/.test(name));
  return [
    ...new Set([...node, ...(node.length && storage ? ["rbd", "ceph"] : []), ...cluster.spec.node.modules]),
  ].sort();
}

/** Parameters in the order of their names; a person's own win. */
export function kernelParameters(input: NodePlanInput): readonly (readonly [string, string])[] {
  const { member, cluster } = input;
  const node: Readonly<Record<string, string>> = {
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
    "net.ipv4.ip_forward": "1",
    "fs.inotify.max_user_instances": "8192",
    "fs.inotify.max_user_watches": "524288",
  };
  const balancer: Readonly<Record<string, string>> = { "net.ipv4.ip_nonlocal_bind": "1" };
  const all = {
    ...(isNode(member) ? node : {}),
    ...(holdsEndpoint(input) ? balancer : {}),
    ...cluster.spec.node.sysctls,
  };
  return Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
}
