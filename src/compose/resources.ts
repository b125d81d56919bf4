/** The documents that describe the rack, and the clusters made of them. */

import type { RackFacts } from "../domain/cluster/finding.ts";
import { CATALOGUE } from "../domain/components/addons/catalogue.ts";
import type { SubnetSettings } from "../domain/dhcp/network-config.ts";
import { formatSubnet } from "../net/subnet.ts";
import { Resources } from "../services/resources/resources.ts";
import type { Context } from "./context.ts";
import type { RegistryParts } from "./registry.ts";
import type { NamedService } from "./service-stack.ts";

export interface ResourceParts {
  readonly resources: Resources;
  readonly services: readonly NamedService[];
}

/**
 * Builds the documents over the registry.
 * @param begun whether a cluster has begun to exist.
 */
export function buildResources(
  context: Context,
  { registry, store, events }: Pick<RegistryParts, "registry" | "store" | "events">,
  begun: (cluster: string) => boolean,
): ResourceParts {
  const { config, clock, log, limits } = context;
  const facts: RackFacts = {
    mode: config.dhcp.mode,
    address: context.served.address,
    subnets: knownSubnets(context),
    addons: new Map(CATALOGUE.map((addon) => [addon.name, addon])),
  };
  const resources = new Resources({
    store: store.resources,
    registry,
    events,
    clock,
    log: log.child({ component: "resources" }),
    limits,
    facts: () => facts,
    begun,
  });
  return { resources, services: [{ name: "resources", service: resources }] };
}

/** The networks of the configuration, and the one the appliance is attached to, of which it may know no more than that. */
export function knownSubnets({
  config,
  served,
}: Pick<Context, "config" | "served">): readonly SubnetSettings[] {
  const own = formatSubnet(served.network.subnet);
  if (config.network.subnets.some(({ cidr }) => cidr === own)) return config.network.subnets;
  const attached = { cidr: own, dns: [], ntp: [], pools: [], relays: [], routes: [] };
  return [...config.network.subnets, attached];
}
