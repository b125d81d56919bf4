/** What `muster diagnose` and the registry learn from one packet. */

import type { ClientRequest } from "../../domain/dhcp/client-request.ts";
import type { Decision } from "../../domain/dhcp/decision.ts";
import { isUnicast } from "../../domain/dhcp/reply-destination.ts";
import type { Machine, Sighting } from "../../domain/machine.ts";
import { ANY, formatIpv4, type Ipv4 } from "../../net/ipv4.ts";
import { decodeArchitectures } from "../../protocol/dhcp/client-architecture.ts";
import { MESSAGE_TYPE, messageTypeName, OPTION } from "../../protocol/dhcp/option-codes.ts";
import type { DecisionTrace } from "./dhcp-service.ts";

/** The name of a client: its MAC, else its client id, else its raw hardware address. */
export function clientLabel({ mac, clientId, packet }: ClientRequest): string {
  return mac ?? clientId ?? Buffer.from(packet.chaddr.subarray(0, packet.hlen)).toString("hex");
}

/** The decision in words and values. */
export function traceDecision(facts: {
  readonly at: number;
  readonly label: string;
  readonly request: ClientRequest;
  readonly decision: Decision;
  readonly machine: Machine | undefined;
}): DecisionTrace {
  const { request, decision, machine } = facts;
  const { packet, arrival } = request;
  const [architecture] = decodeArchitectures(packet.options);
  return {
    at: facts.at,
    client: facts.label,
    message: messageTypeName(request.type),
    listener: arrival.listener,
    interfaceAddress: formatIpv4(arrival.interfaceAddress),
    ...(packet.giaddr === ANY ? {} : { giaddr: formatIpv4(packet.giaddr) }),
    ...(machine ? { machine: machine.name } : {}),
    ...(architecture === undefined ? {} : { architecture }),
    because: decision.because,
    ...outcomeOf(decision),
  };
}

function outcomeOf(decision: Decision): Partial<DecisionTrace> {
  if (decision.kind === "ignore") {
    const { reason, address } = decision;
    return address === undefined ? { reason } : { reason, address: formatIpv4(address) };
  }
  const { packet, bootFile } = decision;
  return {
    reply: messageTypeName(packet.options.u8(OPTION.messageType)),
    ...(packet.yiaddr === ANY ? {} : { address: formatIpv4(packet.yiaddr) }),
    ...(bootFile === undefined ? {} : { bootFile }),
  };
}

/** Where the client is: what it was given here, what it takes from another server, or what it asks a boot server from. */
function addressOf(request: ClientRequest, decision: Decision): Ipv4 {
  if (decision.kind === "reply" && decision.packet.yiaddr !== ANY) return decision.packet.yiaddr;
  const { arrival, packet, requested } = request;
  if (takesElsewhere(request, decision)) return requested ?? ANY;
  if (arrival.listener !== "boot-server") return ANY;
  const from = packet.ciaddr === ANY ? arrival.source.address : packet.ciaddr;
  return isUnicast(from) ? from : ANY;
}

/** A REQUEST for the address that another server offered: heard because it is broadcast. */
export function takesElsewhere(request: ClientRequest, decision: Decision): boolean {
  const elsewhere = decision.kind === "ignore" && decision.reason === "address-server-elsewhere";
  return elsewhere && request.type === MESSAGE_TYPE.request && request.requested !== undefined;
}

/** Evidence about a client with a MAC; undefined for others. */
export function sightingOf(request: ClientRequest, decision: Decision, at: number): Sighting | undefined {
  const { mac, uuid, packet } = request;
  if (mac === undefined) return undefined;
  const [architecture] = decodeArchitectures(packet.options);
  const vendorClass = packet.options.text(OPTION.vendorClass);
  const address = addressOf(request, decision);
  return {
    at,
    mac,
    ...(address === ANY ? {} : { address: formatIpv4(address) }),
    ...(architecture === undefined ? {} : { architecture }),
    ...(uuid === undefined ? {} : { uuid }),
    ...(vendorClass === undefined ? {} : { vendorClass }),
  };
}
