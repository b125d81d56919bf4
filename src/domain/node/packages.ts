/** Packages of the distribution that a member needs. */
import { isNode } from "../cluster/members.ts";
import { balances, holdsEndpoint } from "./endpoint-hosts.ts";
import type { NodePlanInput } from "./plan-types.ts";
import { runsPods } from "./runs-pods.ts";

/** Sorted by name, a person's own among them. */
export function nodePackages(input: NodePlanInput): readonly string[] {
  const { member, cluster } = input;
  const { node, runtime, network } = cluster.spec;
  const has = (role: (typeof member.roles)[number]): boolean => member.roles.includes(role);
  const routed = isNode(member) && network.cni === "routed";
  const all = [
    ...node.packages,
    ...(isNode(member) ? ["conntrack", "ethtool", "iptables"] : []),
    ...(runsPods(input) && runtime.containerd.source === "debian" ? ["containerd", "runc"] : []),
    ...(routed || node.firewall === "nftables" ? ["nftables"] : []),
    ...(balances(input) ? ["haproxy"] : []),
    ...(holdsEndpoint(input) ? ["keepalived"] : []),
    ...(has("storage") ? ["lvm2", "smartmontools"] : []),
    ...(has("dns") ? ["bind9", "bind9-utils"] : []),
    ...(has("registry") ? ["docker-registry"] : []),
  ];
  return [...new Set(all)].sort();
}
