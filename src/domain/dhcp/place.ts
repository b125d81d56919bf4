/** Where on the network the client is, and by which address it knows the appliance there. */
import { ANY, type Ipv4 } from "../../net/ipv4.ts";
import { contains } from "../../net/subnet.ts";
import { OPTION } from "../../protocol/dhcp/option-codes.ts";
import type { ClientRequest } from "./client-request.ts";
import type { IgnoreReason } from "./ignore-reason.ts";
import type { NetworkPlan, ServedSubnet } from "./network-plan.ts";

/** The networks on the client's wire; `home` is the one its packet points to. */
export interface Place {
  readonly kind: "served";
  readonly home: ServedSubnet;
  readonly subnets: readonly ServedSubnet[];
}

export interface Nowhere {
  readonly kind: "nowhere";
  readonly reason: IgnoreReason;
}

/**
 * Finds the client's network: link selection (RFC 3527) before subnet selection (RFC 3011) before giaddr before
 * ciaddr, which a renewal through a router carries alone, before the interface.
 */
export function locate(request: ClientRequest, plan: NetworkPlan): Place | Nowhere {
  const { packet, relay } = request;
  const selected = relay?.linkSelection ?? packet.options.ipv4(OPTION.subnetSelection);
  if (selected !== undefined) return placeIn(plan.subnetOf(selected), plan, "no-subnet");
  if (packet.giaddr !== ANY) return placeIn(plan.subnetOfRelay(packet.giaddr), plan, "unknown-relay");
  if (request.ciaddr !== ANY) return placeIn(plan.subnetOf(request.ciaddr), plan, "no-subnet");
  return placeIn(plan.subnetOf(request.arrival.interfaceAddress), plan, "no-subnet");
}

/** The network of this wire that the address lies in. */
export function subnetAt(place: Place, address: Ipv4): ServedSubnet | undefined {
  return place.subnets.find((served) => contains(served.subnet, address));
}

/** The appliance's address as the clients of a network reach it. */
export function bootServerOf(
  request: ClientRequest,
  plan: NetworkPlan,
  subnet: ServedSubnet | undefined,
): Ipv4 {
  const own = request.arrival.interfaceAddress;
  if (subnet?.bootServer !== undefined) return subnet.bootServer;
  return own === ANY ? (plan.address ?? own) : own;
}

/** Whether option 54 of a request names this appliance, by any of the names it answers to. */
export function isForUs(request: ClientRequest, plan: NetworkPlan, serverId: Ipv4): boolean {
  return (
    serverId === request.arrival.interfaceAddress ||
    serverId === request.relay?.serverIdOverride ||
    plan.isOwn(serverId)
  );
}

function placeIn(home: ServedSubnet | undefined, plan: NetworkPlan, reason: IgnoreReason): Place | Nowhere {
  if (!home) return { kind: "nowhere", reason };
  return { kind: "served", home, subnets: plan.segment(home.segment) };
}
