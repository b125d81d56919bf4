/** The firewall of a member: what the cluster needs is let in, everything else is not. Forwarded packets are the pod network's. */
import { etcdMembersOf, isNode, membersWith } from "../cluster/members.ts";
import type { TextFile } from "../install/shell.ts";
import { balancerPorts, balances } from "./endpoint-hosts.ts";
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
    // A service has passed it on to a pod on the machine's own network: its port was let in under another number.
    "    ct status dnat accept",
    "    meta l4proto { icmp, ipv6-icmp } accept",
    "    udp sport 67 udp dport 68 accept",
    "    tcp dport 22 accept",
    `    ip saddr ${appliance.address} accept`,
    ...(trusted.length ? ["    ip saddr @trusted accept"] : []),
    ...etcdRules(input),
    // Pods reach machines under their node's address too, so that members cannot be told by their ports.
    "    ip saddr @members accept",
    ...(isNode(input.member) ? [`    ip saddr ${cluster.spec.network.podCIDR} accept`] : []),
    ...fromAnywhere(input).map((rule) => `    ${rule}`),
    "  }",
    "}",
  ].join("\n")}\n`;
}

/** etcd is for its members and the API servers alone, whoever else lives here. */
function etcdRules({ member, cluster }: NodePlanInput): readonly string[] {
  const hosts = etcdMembersOf(cluster);
  if (!hosts.some(({ name }) => name === member.name)) return [];
  const clients = [...hosts, ...membersWith(cluster, "control-plane")].map(({ address }) => address);
  return [
    `    ip saddr { ${[...new Set(clients)].join(", ")} } tcp dport 2379-2381 accept`,
    "    tcp dport 2379-2381 drop",
  ];
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
