/** DHCP: its answers, its sockets, and the look for other servers before and while they are open. */
import { DhcpServer } from "../adapters/dhcp/dhcp-server.ts";
import { createPingProbe } from "../adapters/network/ping-probe.ts";
import { createDhcpService } from "../services/dhcp/answer-dhcp.ts";
import type { DhcpService } from "../services/dhcp/dhcp-service.ts";
import type { Context } from "./context.ts";
import type { InheritedParts } from "./inherited.ts";
import type { RegistryParts } from "./registry.ts";
import { knownSubnets } from "./resources.ts";
import { rivalCheck } from "./rival-check.ts";
import type { NamedService } from "./service-stack.ts";

export interface DhcpParts {
  readonly service: DhcpService;
  readonly listener: Pick<DhcpServer, "status">;
  /** In the order of their start: the sockets open last. */
  readonly services: readonly NamedService[];
}

/** Builds DHCP; nothing is opened yet. @throws ConfigError when the network configuration cannot be used. */
export function buildDhcp(
  context: Context,
  parts: { readonly registry: RegistryParts; readonly inherited: InheritedParts },
): DhcpParts {
  const { config, clock, served } = context;
  const { registry, store, events } = parts.registry;
  const log = context.log.child({ component: "dhcp" });
  // Beside another DHCP server there is nothing to configure: the network that is attached is the one that boots.
  const subnets = config.dhcp.mode === "server" ? config.network.subnets : knownSubnets({ config, served });
  const service = createDhcpService({
    machines: registry,
    leases: store.leases,
    events,
    clock,
    log,
    config: { ...config, network: { ...config.network, address: served.address, subnets } },
    ...(config.dhcp.probe === "ping" ? { probe: createPingProbe({ log: context.log }) } : {}),
  });
  const server = new DhcpServer({
    service,
    config: config.dhcp,
    interfaceAddress: served.address,
    inherited: parts.inherited.dhcp,
    clock,
    log,
  });
  return {
    service,
    listener: server,
    services: [
      { name: "DHCP answers", service },
      { name: "other DHCP servers", service: rivalCheck(context, { dhcp: service, events }) },
      { name: "DHCP", service: server },
    ],
  };
}
