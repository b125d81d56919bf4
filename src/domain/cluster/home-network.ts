/** What is known of the network in which a machine's address lies: from its cluster first, then from the appliance. */
import { parseIpv4 } from "../../net/ipv4.ts";
import { contains, parseSubnet } from "../../net/subnet.ts";
import type { SubnetSettings } from "../dhcp/network-config.ts";
import type { HomeNetwork } from "../install/network-config.ts";
import type { ClusterSpec } from "./cluster-spec.ts";

/** Prefix, gateway and name servers for an address; undefined when nobody has described a network that holds it. */
export function homeNetwork(
  address: string | undefined,
  known: { readonly cluster: ClusterSpec | undefined; readonly subnets: readonly SubnetSettings[] },
): HomeNetwork | undefined {
  const ip = parseIpv4(address ?? "");
  if (ip === undefined) return undefined;
  const nodes = known.cluster?.network.nodes;
  const candidates = [
    ...(nodes ? [{ cidr: nodes.cidr, gateway: nodes.gateway, dns: nodes.dns }] : []),
    ...known.subnets.map(({ cidr, router, dns }) => ({ cidr, gateway: router, dns })),
  ];
  for (const { cidr, gateway, dns } of candidates) {
    const subnet = parseSubnet(cidr);
    if (subnet && contains(subnet, ip)) return { prefix: subnet.prefix, gateway, dns };
  }
  return undefined;
}
