/** What a machine has to know of the appliance. */
import { homeNetwork } from "../domain/cluster/home-network.ts";
import type { ApplianceFacts } from "../domain/install/plan.ts";
import type { Machine } from "../domain/machine.ts";
import { parseIpv4 } from "../net/ipv4.ts";
import { contains, parseSubnet } from "../net/subnet.ts";
import type { Context } from "./context.ts";
import type { IdentityParts } from "./identity.ts";
import { knownSubnets, type ResourceParts } from "./resources.ts";

interface Parts {
  readonly identity: IdentityParts;
  readonly resources: ResourceParts;
}

/** Where a machine reaches the appliance: its own network's `bootServer`, else the address on the boot network. */
export function applianceFacts(
  context: Context,
  { identity, resources }: Parts,
  machine: Machine | undefined,
): ApplianceFacts {
  const { config, served } = context;
  const seen = parseIpv4(machine?.seen?.address ?? machine?.spec.address ?? "");
  const network = config.network.subnets.find(({ cidr }) => {
    const subnet = parseSubnet(cidr);
    return seen !== undefined && subnet !== undefined && contains(subnet, seen);
  });
  return {
    address: network?.bootServer ?? served.address,
    httpPort: config.http.port,
    httpsPort: config.https.port,
    ...(config.syslog.enabled ? { syslogPort: config.syslog.port } : {}),
    caCertificate: identity.authority.certificate,
    home: homeNetwork(machine?.spec.address, {
      cluster: resources.resources.clusters.get(machine?.spec.cluster ?? "")?.spec,
      subnets: knownSubnets(context),
    }),
  };
}
