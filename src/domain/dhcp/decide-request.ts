/** REQUEST in its four meanings, told apart as RFC 2131 §4.3.2 table 4 does. */
import { ANY, type Ipv4 } from "../../net/ipv4.ts";
import { MESSAGE_TYPE, OPTION } from "../../protocol/dhcp/option-codes.ts";
import { addressReply, nak } from "./build-reply.ts";
import { type ChosenAddress, entitlement, leaseOfClient, reservedAddress } from "./choose-address.ts";
import { type Decision, ignore } from "./decision.ts";
import { isLive } from "./lease.ts";
import { leaseChanges } from "./lease-changes.ts";
import { leaseTimes } from "./lease-time.ts";
import { isForUs, subnetAt } from "./place.ts";
import type { PlacedSituation } from "./situation.ts";

/** Decides a REQUEST. */
export function decideRequest(situation: PlacedSituation): Decision {
  const { request } = situation;
  if (request.serverId !== undefined) return decideSelecting(situation, request.serverId);
  if (request.requested !== undefined) return decideInitReboot(situation, request.requested);
  if (request.ciaddr !== ANY) return decideRenewal(situation, request.ciaddr);
  return ignore("no-requested-address");
}

/** The client took an offer: ours, or another server's. */
function decideSelecting(situation: PlacedSituation, serverId: Ipv4): Decision {
  const { request, client, leases } = situation;
  if (!isForUs(request, situation.plan, serverId)) {
    const held = leases.holdOf(client.key) !== undefined;
    return ignore("other-server", held ? { changes: [{ kind: "drop-hold", client: client.key }] } : {});
  }
  const wanted = request.requested ?? request.ciaddr;
  if (wanted === ANY) return ignore("no-requested-address");
  const right = entitlement(situation, wanted);
  return right ? ack(situation, right) : nak(situation, "this address was not offered");
}

/** The client comes back and names the address that it remembers. */
function decideInitReboot(situation: PlacedSituation, wanted: Ipv4): Decision {
  if (!subnetAt(situation.place, wanted)) return nak(situation, "wrong network for this address");
  const right = entitlement(situation, wanted);
  if (right) return ack(situation, right);
  const refusal = refusalOf(situation, wanted);
  if (refusal !== undefined) return nak(situation, refusal);
  if (hasOtherAddress(situation)) return nak(situation, "the client has another address");
  return unknownLease(situation, wanted);
}

/** The client uses the address and wants to go on: RENEWING or REBINDING. */
function decideRenewal(situation: PlacedSituation, wanted: Ipv4): Decision {
  if (!subnetAt(situation.place, wanted)) {
    if (!situation.plan.subnetOf(wanted)) return ignore("no-subnet", { address: wanted });
    return nak(situation, "wrong network for this address");
  }
  const right = entitlement(situation, wanted);
  if (right) return ack(situation, right);
  const refusal = refusalOf(situation, wanted);
  return refusal === undefined ? unknownLease(situation, wanted) : nak(situation, refusal);
}

function ack(situation: PlacedSituation, right: ChosenAddress): Decision {
  const { request, rules, client } = situation;
  const times = leaseTimes(request.packet.options.u32(OPTION.leaseTime), rules, client);
  return addressReply(situation, {
    type: MESSAGE_TYPE.ack,
    kind: "lease",
    subnet: right.subnet,
    yiaddr: right.address,
    times,
    because: right.because,
    changes: leaseChanges(situation, right, times),
    fresh: false,
  });
}

/** Reasons to refuse that hold whether or not this server is authoritative: the records say otherwise. */
function refusalOf(situation: PlacedSituation, wanted: Ipv4): string | undefined {
  const { leases, now, client } = situation;
  const reserved = reservedAddress(situation);
  if (reserved && reserved.address !== wanted) return "another address is reserved for this client";
  const lease = leases.leaseAt(wanted);
  const hold = leases.holdAt(wanted);
  const others =
    (lease && isLive(lease, now) && lease.client !== client.key) || (hold && hold.client !== client.key);
  if (others === true) return "the address belongs to another client";
  if (situation.reservations.isReserved(wanted)) return "the address is reserved for another client";
  if (lease?.client === client.key) return "the address is not for this client any more";
  return undefined;
}

function hasOtherAddress(situation: PlacedSituation): boolean {
  const lease = leaseOfClient(situation);
  return lease !== undefined && isLive(lease, situation.now);
}

function unknownLease(situation: PlacedSituation, wanted: Ipv4): Decision {
  if (situation.rules.authoritative) return nak(situation, "no lease is on record");
  return ignore("unknown-lease", { address: wanted });
}
