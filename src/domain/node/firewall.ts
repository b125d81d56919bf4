/** The firewall of a member: what the cluster needs is let in, everything else is not. Forwarded packets are the pod network's. */
import { type ClusterView, isNode } from "../cluster/members.ts";
import type { TextFile } from "../install/shell.ts";
import { balancerPorts, balances, holdsEndpoint } from "./endpoint-hosts.ts";
import type { NodePlanInput } from "./plan-types.ts";
import { textFile } from "./text-file.ts";

const RULES = "/etc/muster/firewall.nft";

/** The rule set and the unit that loads it, or nothing: `firewall: off` leaves the machine open. */
export function firewallFiles(input: NodePlanInput): readonly TextFile[] {
  if (input.cluster.spec.node.firewall === "off") return [];
  return [textFile(RULES, rules(input)), textFile("/etc/systemd/system/muster-firewall.service", UNIT)];
}

// Debian's own nftables.service would flush the rules of kube-proxy and of the pod network too.
const UNIT = `[Unit]
Description=Let in what the cluster needs
Documentation=file://${RULES}
Before=network-pre.target
Wants=network-pre.target
DefaultDependencies=no
After=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${RULES}
ExecReload=/usr/sbin/nft -f ${RULES}
ExecStop=/usr/sbin/nft delete table inet muster

[Install]
WantedBy=sysinit.target
`;

function rules(input: NodePlanInput): string {
  const { cluster, appliance } = input;
  const nodes = cluster.members.map(({ address }) => address);
  const trusted = cluster.spec.node.trustedNetworks;
  return `${[
    "#!/usr/sbin/nft -f",
    "table inet muster",
    "delete table inet muster",
    "table inet muster {",
    `  set members { type ipv4_addr; elements = { ${nodes.join(", ")} } }`,
    ...(trusted.length
      ? [`  set trusted { type ipv4_addr; flags interval; auto-merge; elements = { ${trusted.join(", ")} } }`]
      : []),
    "  chain input {",
    "    type filter hook input priority filter; policy drop;",
    "    ct state established,related accept",
    "    ct state invalid drop",
    '    iifname "lo" accept',
    "    meta l4proto { icmp, ipv6-icmp } accept",
    "    udp sport 67 udp dport 68 accept",
    "    tcp dport 22 accept",
    `    ip saddr ${appliance.address} accept`,
    ...(trusted.length ? ["    ip saddr @trusted accept"] : []),
    ...fromMembers(input).map((rule) => `    ip saddr @members ${rule}`),
    ...(isNode(input.member) ? [`    ip saddr ${cluster.spec.network.podCIDR} accept`] : []),
    ...fromAnywhere(input).map((rule) => `    ${rule}`),
    "  }",
    "}",
  ].join("\n")}\n`;
}

/** What only the other members may reach. */
function fromMembers(input: NodePlanInput): readonly string[] {
  const { member, cluster } = input;
  const etcd = member.roles.includes(cluster.spec.etcd.topology === "external" ? "etcd" : "control-plane");
  return [
    ...(isNode(member) ? ["tcp dport { 10250, 10256 } accept", ...podNetwork(cluster)] : []),
    ...(member.roles.includes("control-plane") ? ["tcp dport { 10257, 10259 } accept"] : []),
    ...(etcd ? ["tcp dport { 2379, 2380, 2381 } accept"] : []),
    ...(holdsEndpoint(input) ? ["meta l4proto 112 accept"] : []),
  ];
}

function podNetwork({ spec }: ClusterView): readonly string[] {
  const byNetwork: Readonly<Record<typeof spec.network.cni, readonly string[]>> = {
    flannel: ["udp dport { 8285, 8472, 51820, 51821 } accept"],
    canal: ["udp dport { 8472, 51820, 51821 } accept", "tcp dport 5473 accept"],
    calico: [
      "tcp dport { 179, 5473 } accept",
      "udp dport { 4789, 51820, 51821 } accept",
      "meta l4proto 4 accept",
    ],
    cilium: ["tcp dport { 4240, 4244, 4245 } accept", "udp dport { 8472, 51871 } accept"],
    routed: [],
    none: [],
  };
  return byNetwork[spec.network.cni];
}

/** What clients outside of the cluster reach. */
function fromAnywhere(input: NodePlanInput): readonly string[] {
  const { member, cluster } = input;
  const { spec } = cluster;
  const has = (role: (typeof member.roles)[number]): boolean => member.roles.includes(role);
  const nodePorts = spec.network.nodePortRange ?? "30000-32767";
  const ingress =
    spec.endpoint?.forwards.filter(({ role }) => has(role)).map(({ targetPort }) => targetPort) ?? [];
  const tcp = [
    ...(has("control-plane") ? [spec.apiPort] : []),
    ...(spec.endpoint && balances(input) ? balancerPorts(spec.endpoint) : []),
    ...(isNode(member) ? [nodePorts, ...ingress] : []),
    ...(has("dns") ? [53] : []),
    ...(has("registry") ? [spec.registry.port] : []),
  ];
  const udp = [...(isNode(member) ? [nodePorts] : []), ...(has("dns") ? [53] : [])];
  return [
    ...(tcp.length ? [`tcp dport { ${[...new Set(tcp)].join(", ")} } accept`] : []),
    ...(udp.length ? [`udp dport { ${udp.join(", ")} } accept`] : []),
  ];
}
