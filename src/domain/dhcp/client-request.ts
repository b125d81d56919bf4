/** A client's packet with the facts that every rule asks for, read once. */
import { ANY, type Ipv4 } from "../../net/ipv4.ts";
import { type Mac, macFromBytes } from "../../net/mac.ts";
import { decodeClientMachineId } from "../../protocol/dhcp/client-machine-id.ts";
import { HTYPE_ETHERNET, MESSAGE_TYPE, OPTION } from "../../protocol/dhcp/option-codes.ts";
import type { DhcpPacket } from "../../protocol/dhcp/packet.ts";
import { decodeRelayAgent, type RelayAgentInfo } from "../../protocol/dhcp/relay-agent.ts";

/** How the packet reached the appliance. */
export interface Arrival {
  readonly listener: "server" | "boot-server";
  readonly interfaceAddress: Ipv4;
  readonly source: { readonly address: Ipv4; readonly port: number };
}

export interface ClientRequest {
  readonly packet: DhcpPacket;
  readonly arrival: Arrival;
  /** Option 53; undefined in BOOTP. */
  readonly type: number | undefined;
  /** Undefined when chaddr is not a 48-bit address. */
  readonly mac: Mac | undefined;
  /** Option 61, lower-case hex. */
  readonly clientId: string | undefined;
  readonly uuid: string | undefined;
  /** Option 82, when it may be believed. */
  readonly relay: RelayAgentInfo | undefined;
  /** Option 50. */
  readonly requested: Ipv4 | undefined;
  /** Option 54. */
  readonly serverId: Ipv4 | undefined;
  /** ciaddr, or 0 where it means nothing: in a DISCOVER and beside option 50. */
  readonly ciaddr: Ipv4;
}

/** Reads the facts of a packet. Total. */
export function readRequest(
  packet: DhcpPacket,
  arrival: Arrival,
  options: { readonly trustAgentOptionWithoutRelay: boolean },
): ClientRequest {
  const type = packet.options.u8(OPTION.messageType);
  const requested = packet.options.ipv4(OPTION.requestedAddress);
  const clientId = packet.options.get(OPTION.clientId);
  const machineId = packet.options.get(OPTION.clientMachineId);
  const agent = packet.options.get(OPTION.relayAgent);
  const believed = packet.giaddr !== ANY || options.trustAgentOptionWithoutRelay;
  const ciaddrMeans = type !== MESSAGE_TYPE.discover && requested === undefined;
  return {
    packet,
    arrival,
    type,
    mac: macOf(packet),
    clientId: clientId && clientId.length > 0 ? Buffer.from(clientId).toString("hex") : undefined,
    uuid: machineId && decodeClientMachineId(machineId),
    relay: agent && believed ? decodeRelayAgent(agent) : undefined,
    requested,
    serverId: packet.options.ipv4(OPTION.serverId),
    ciaddr: ciaddrMeans ? packet.ciaddr : ANY,
  };
}

/** The MAC of an Ethernet-like client; htype is not looked at further, as Wi-Fi and others use 48 bits too. */
export function macOf(packet: DhcpPacket): Mac | undefined {
  return packet.htype === HTYPE_ETHERNET || packet.htype === HTYPE_IEEE_802
    ? macFromBytes(packet.chaddr, packet.hlen)
    : undefined;
}

const HTYPE_IEEE_802 = 6;
