/** Which network would be served, and which other DHCP servers are on it. */
import type { Config } from "../../config/schema.ts";
import { ConfigError } from "../../domain/errors.ts";
import { parseMac } from "../../net/mac.ts";
import { probeDhcpServers } from "../dhcp/dhcp-probe.ts";
import { type AttachedNetwork, attachedNetworks, servedNetwork } from "../network/interfaces.ts";
import type { Check } from "./check.ts";

type Choice =
  | { readonly kind: "chosen"; readonly network: AttachedNetwork }
  | { readonly kind: "none"; readonly reason: string };

/**
 * Chooses the network as the appliance does, then asks there for an address as a client would.
 * @param options `probe` says whether to ask: a running appliance listens by itself and says what it saw.
 */
export async function checkNetworks(
  config: Pick<Config, "network" | "dhcp">,
  options: { readonly probe: boolean },
): Promise<readonly Check[]> {
  const { interface: wanted, address } = config.network;
  const choice = choose({ mode: config.dhcp.mode, interface: wanted, address }, await attachedNetworks());
  const name = "boot network";
  if (choice.kind === "none") {
    return [
      {
        name,
        state: "fail",
        message: choice.reason,
        advice: "set network.interface, or bring the interface up",
      },
    ];
  }
  const { network } = choice;
  const found: Check = { name, state: "ok", message: `${network.interface} ${network.address}` };
  return options.probe ? [found, ...(await probe(network, config.dhcp))] : [found];
}

/** Another DHCP server is what proxy mode is made for, and what server mode must not meet. */
export function rivalCheck(address: string, mode: Config["dhcp"]["mode"]): Check {
  const name = "other DHCP";
  const message = `another DHCP server answers: ${address}`;
  if (mode !== "server")
    return { name, state: "ok", message: `${message}; this one only adds boot data beside it` };
  return { name, state: "fail", message, advice: "switch that one off, or use dhcp.mode: proxy beside it" };
}

function choose(wanted: Parameters<typeof servedNetwork>[0], attached: readonly AttachedNetwork[]): Choice {
  try {
    return { kind: "chosen", network: servedNetwork(wanted, attached) };
  } catch (error) {
    if (error instanceof ConfigError) return { kind: "none", reason: error.message };
    throw error;
  }
}

async function probe(network: AttachedNetwork, dhcp: Config["dhcp"]): Promise<readonly Check[]> {
  const name = "other DHCP";
  const mac = parseMac(network.mac);
  if (!mac)
    return [{ name, state: "warn", message: `${network.interface} has no hardware address to ask with` }];
  const result = await probeDhcpServers({ interfaceAddress: network.address, mac });
  if (result.kind === "impossible") {
    return [
      {
        name,
        state: "warn",
        message: `could not be asked for: ${result.reason}`,
        advice: "run this with sudo",
      },
    ];
  }
  if (result.servers.length > 0) return result.servers.map(({ server }) => rivalCheck(server, dhcp.mode));
  if (dhcp.mode !== "proxy") return [{ name, state: "ok", message: "none answers on this network" }];
  const advice = "proxy mode needs one to hand out addresses: set dhcp.mode: server if there is none";
  return [{ name, state: "warn", message: "none answers on this network", advice }];
}
