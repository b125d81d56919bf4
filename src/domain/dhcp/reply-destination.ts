/** Where a reply goes: the one place that knows giaddr, ciaddr and the broadcast rules of RFC 2131 §4.1. */
import { ANY, BROADCAST, type Ipv4 } from "../../net/ipv4.ts";
import type { ClientRequest } from "./client-request.ts";

export interface Destination {
  readonly address: Ipv4;
  readonly port: number;
}

/** `lease` is an OFFER or ACK, `inform` the ACK of an INFORM, `boot-server` anything answered from port 4011. */
export type ReplyKind = "lease" | "nak" | "inform" | "boot-server";

/**
 * Destination of a reply, or undefined when there is no address to answer to.
 *
 * A client without an address is always answered by broadcast, whatever its broadcast bit says: a unicast to it would
 * need ARP tricks, and §4.1 allows the broadcast. Relays listen on the server port, or with RFC 8357 on the one they
 * sent from.
 */
export function replyDestination(
  kind: ReplyKind,
  request: ClientRequest,
  ports: { readonly serverPort: number; readonly clientPort: number },
): Destination | undefined {
  const { packet, arrival, ciaddr } = request;
  if (kind === "boot-server") {
    const address = packet.ciaddr === ANY ? arrival.source.address : packet.ciaddr;
    return isUnicast(address) ? { address, port: arrival.source.port } : undefined;
  }
  if (kind === "inform" && ciaddr !== ANY) return unicast(ciaddr, ports.clientPort);
  if (packet.giaddr !== ANY) {
    const port = request.relay?.answerToSourcePort === true ? arrival.source.port : ports.serverPort;
    return unicast(packet.giaddr, port);
  }
  if (kind === "inform") return unicast(arrival.source.address, ports.clientPort);
  if (kind === "lease" && ciaddr !== ANY) return unicast(ciaddr, ports.clientPort);
  return { address: BROADCAST, port: ports.clientPort };
}

function unicast(address: Ipv4, port: number): Destination | undefined {
  return isUnicast(address) ? { address, port } : undefined;
}

/** Neither "this network" nor loopback nor multicast nor broadcast: an address a host can have. */
export function isUnicast(address: Ipv4): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}
