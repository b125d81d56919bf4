/** Addresses that come back: DECLINE and RELEASE. Neither is ever answered. */
import type { Ipv4 } from "../../net/ipv4.ts";
import { ANY } from "../../net/ipv4.ts";
import { reservedAddress } from "./choose-address.ts";
import { type Decision, ignore } from "./decision.ts";
import { isLive, type Lease } from "./lease.ts";
import { isForUs } from "./place.ts";
import type { PlacedSituation } from "./situation.ts";

/** One client may send this many addresses into quarantine. */
const MAX_DECLINED_PER_CLIENT = 3;
/** And all together this share of the pools on their wire. */
const MAX_DECLINED_SHARE = 0.25;
/** A reserved address is wanted back soon: milliseconds. */
const RESERVED_QUARANTINE_MS = 600_000;

/**
 * The client found its address in use (RFC 2131 §4.3.3): it rests. Only the holder can say so, and not so often that
 * the pool runs dry; beyond that the lease just ends.
 */
export function decideDecline(situation: PlacedSituation): Decision {
  const { request, rules, now, client } = situation;
  const wanted = request.requested;
  const lease = wanted === undefined ? undefined : liveLease(situation, wanted);
  if (!lease || !namesUs(situation)) return ignore("decline-refused");
  if (quarantineIsFull(situation)) {
    const released: Lease = { ...lease, state: "released", expiresAt: now };
    const because = "too many addresses are in quarantine; the lease ends without one";
    return ignore("declined", {
      because,
      changes: [{ kind: "write", lease: released }],
      address: lease.address,
    });
  }
  const reserved = reservedAddress(situation)?.address === lease.address;
  const quarantine = reserved ? RESERVED_QUARANTINE_MS : rules.declineSeconds * 1000;
  const declined: Lease = { ...lease, client: client.key, state: "declined", expiresAt: now + quarantine };
  return ignore("declined", { changes: [{ kind: "write", lease: declined }], address: lease.address });
}

/** The client gives its lease back (§4.3.4): free at once, remembered as this client's for its next visit. */
export function decideRelease(situation: PlacedSituation): Decision {
  const { request, now } = situation;
  const lease = request.ciaddr === ANY ? undefined : liveLease(situation, request.ciaddr);
  if (!lease || !namesUs(situation)) return ignore("release-refused");
  const released: Lease = { ...lease, state: "released", expiresAt: now };
  return ignore("released", { changes: [{ kind: "write", lease: released }], address: lease.address });
}

function liveLease(situation: PlacedSituation, address: Ipv4): Lease | undefined {
  const lease = situation.leases.leaseAt(address);
  const keys = [situation.client.key, ...situation.client.reservations.map((reservation) => reservation.key)];
  return lease && isLive(lease, situation.now) && keys.includes(lease.client) ? lease : undefined;
}

function namesUs({ request, plan }: PlacedSituation): boolean {
  return request.serverId === undefined || isForUs(request, plan, request.serverId);
}

function quarantineIsFull({ leases, client, place }: PlacedSituation): boolean {
  if (leases.quarantined(client.key) >= MAX_DECLINED_PER_CLIENT) return true;
  const pools = place.subnets.flatMap((subnet) => subnet.pools);
  const size = pools.reduce((sum, pool) => sum + pool.to - pool.from + 1, 0);
  return leases.quarantined() >= Math.max(MAX_DECLINED_PER_CLIENT, size * MAX_DECLINED_SHARE);
}
