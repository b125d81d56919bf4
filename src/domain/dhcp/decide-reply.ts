/** The decision about one DHCP packet: a reply, or silence with a reason. Pure. */
import { ANY } from "../../net/ipv4.ts";
import { BOOTREQUEST, MESSAGE_TYPE } from "../../protocol/dhcp/option-codes.ts";
import type { Machine } from "../machine.ts";
import { bootClientOf } from "./boot-client.ts";
import { identifyClient, type ReservationView } from "./client.ts";
import type { ClientRequest } from "./client-request.ts";
import { decideBootServer, decideProxy } from "./decide-boot.ts";
import { decideDiscover } from "./decide-discover.ts";
import { decideInform } from "./decide-inform.ts";
import { decideRequest } from "./decide-request.ts";
import { decideDecline, decideRelease } from "./decide-return.ts";
import { type Decision, ignore } from "./decision.ts";
import type { IgnoreReason } from "./ignore-reason.ts";
import type { LeaseView } from "./lease.ts";
import type { NetworkPlan } from "./network-plan.ts";
import { locate } from "./place.ts";
import { isUnicast } from "./reply-destination.ts";
import type { DhcpRules } from "./rules.ts";
import type { Situation } from "./situation.ts";

/** RFC 1542 §4.1.1 */
const MAX_HOPS = 16;

export interface DecisionInput {
  readonly request: ClientRequest;
  /** The machine registered with the request's MAC. */
  readonly machine: Machine | undefined;
  readonly plan: NetworkPlan;
  readonly rules: DhcpRules;
  readonly leases: LeaseView;
  readonly reservations: ReservationView;
  /** Lease time, epoch milliseconds. */
  readonly now: number;
}

/** Decides. The changes of the decision must be made, and made durable, before its reply leaves. */
export function decideReply(input: DecisionInput): Decision {
  const { request, rules } = input;
  const invalid = invalidity(request);
  if (invalid) return ignore(invalid);
  if (rules.mode === "off") return ignore("dhcp-off");
  if (request.mac !== undefined && rules.denied.has(request.mac)) return ignore("denied");
  const client = identifyClient(request, input);
  if (!client) return ignore("no-client-identity");
  const situation: Situation = {
    request,
    client,
    boot: bootClientOf(request),
    plan: input.plan,
    rules,
    now: input.now,
    leases: input.leases,
    reservations: input.reservations,
  };
  const serving = request.arrival.listener === "server" && rules.mode === "server";
  if (!serving && !situation.boot) return ignore("not-a-boot-client");
  if (!client.known && rules.unknown === "ignore") return ignore("unknown-machine");
  if (request.arrival.listener === "boot-server") return decideBootServer(situation);
  return serving ? decideServing(situation) : decideProxy(situation);
}

/** Server mode: addresses are ours to give. */
function decideServing(situation: Situation): Decision {
  const place = locate(situation.request, situation.plan);
  if (place.kind === "nowhere") return ignore(place.reason);
  const placed = { ...situation, place };
  switch (situation.request.type) {
    case MESSAGE_TYPE.discover:
      return decideDiscover(placed);
    case MESSAGE_TYPE.request:
      return decideRequest(placed);
    case MESSAGE_TYPE.decline:
      return decideDecline(placed);
    case MESSAGE_TYPE.release:
      return decideRelease(placed);
    case MESSAGE_TYPE.inform:
      return decideInform(placed);
    case undefined:
    default:
      return ignore("unknown-message-type");
  }
}

/** What no client would send. */
function invalidity({ packet, type }: ClientRequest): IgnoreReason | undefined {
  if (packet.op !== BOOTREQUEST) return "not-a-request";
  if (packet.hops > MAX_HOPS) return "too-many-hops";
  if (packet.giaddr !== ANY && !isUnicast(packet.giaddr)) return "unknown-relay";
  if (type === undefined) return "bootp";
  return typeFault(type);
}

function typeFault(type: number): IgnoreReason | undefined {
  switch (type) {
    case MESSAGE_TYPE.offer:
    case MESSAGE_TYPE.ack:
    case MESSAGE_TYPE.nak:
      return "not-a-request";
    case MESSAGE_TYPE.discover:
    case MESSAGE_TYPE.request:
    case MESSAGE_TYPE.decline:
    case MESSAGE_TYPE.release:
    case MESSAGE_TYPE.inform:
      return undefined;
    default:
      return "unknown-message-type";
  }
}
