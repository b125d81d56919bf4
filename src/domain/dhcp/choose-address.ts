/** Which address a client may have (RFC 2131 §4.3.1). */
import type { Ipv4 } from "../../net/ipv4.ts";
import type { IgnoreReason } from "./ignore-reason.ts";
import { isLive, isQuarantined, type Lease } from "./lease.ts";
import type { Pool, ServedSubnet } from "./network-plan.ts";
import { subnetAt } from "./place.ts";
import type { PlacedSituation } from "./situation.ts";

export interface ChosenAddress {
  readonly kind: "address";
  readonly address: Ipv4;
  readonly subnet: ServedSubnet;
  readonly key: string;
  readonly because: string;
  /** Nothing but a hold keeps others from it. */
  readonly needsHold: boolean;
  /** The client did not have it lately: worth a ping. */
  readonly fresh: boolean;
}

export interface NoAddress {
  readonly kind: "none";
  readonly reason: IgnoreReason;
}

/** A client that gave an address up this long ago still answers on it. */
const RECENT_MS = 60_000;

/**
 * The address for a DISCOVER, in this order: its reservation, its lease, what it was just offered, its ended lease,
 * what it asks for, the next free one of the pools on its wire.
 */
export function chooseAddress(situation: PlacedSituation): ChosenAddress | NoAddress {
  const reserved = reservedAddress(situation);
  if (reserved) return reserved;
  const { key } = situation.client;
  const lease = leaseOfClient(situation);
  if (lease && isLive(lease, situation.now) && mayKeep(situation, lease.address)) {
    return chosen(situation, lease.address, key, { because: "its lease", needsHold: false, fresh: false });
  }
  const hold = situation.leases.holdOf(key);
  if (hold && mayKeep(situation, hold.address)) {
    return chosen(situation, hold.address, key, { because: "offered before", needsHold: true, fresh: false });
  }
  if (situation.leases.holdCount(situation.place.home.segment) >= situation.rules.maxHolds) {
    return { kind: "none", reason: "too-many-offers" };
  }
  return endedLease(situation, lease) ?? requestedAddress(situation) ?? nextAddress(situation);
}

/**
 * Whether a client that names an address has a right to it: by reservation, offer, or a lease that nobody took over.
 * Says why, or nothing.
 */
export function entitlement(situation: PlacedSituation, address: Ipv4): ChosenAddress | undefined {
  const reserved = reservedAddress(situation);
  if (reserved) return reserved.address === address ? reserved : undefined;
  const { key } = situation.client;
  const settled = { needsHold: false, fresh: false };
  const hold = situation.leases.holdOf(key);
  if (hold?.address === address && mayKeep(situation, address)) {
    return chosen(situation, address, key, { because: "the address offered to it", ...settled });
  }
  const lease = leaseOfClient(situation, address);
  if (lease?.address !== address || isQuarantined(lease, situation.now) || !mayKeep(situation, address)) {
    return undefined;
  }
  const heldBy = situation.leases.holdAt(address);
  if (heldBy && heldBy.client !== key) return undefined;
  return chosen(situation, address, key, { because: "its lease", ...settled });
}

/** The reservation that holds on this wire, unless another client still lives there or it is quarantined. */
export function reservedAddress(situation: PlacedSituation): ChosenAddress | undefined {
  for (const { address, key } of situation.client.reservations) {
    if (!subnetAt(situation.place, address)) continue;
    const lease = situation.leases.leaseAt(address);
    const ownedByUs = lease === undefined || lease.client === key || lease.client === situation.client.key;
    if (lease && isQuarantined(lease, situation.now)) continue;
    if (lease && !ownedByUs && isLive(lease, situation.now)) continue;
    const fresh = lease === undefined || !ownedByUs || !isLive(lease, situation.now);
    return chosen(situation, address, key, { because: "its reservation", needsHold: false, fresh });
  }
  return undefined;
}

/**
 * The client's lease on this wire. A client that sent an identifier earlier and none now is found by its MAC, and so
 * is a machine that was unknown when its lease began.
 */
export function leaseOfClient(situation: PlacedSituation, address?: Ipv4): Lease | undefined {
  const { leases, client, request, place } = situation;
  const { segment } = place.home;
  const at = address === undefined ? undefined : leases.leaseAt(address);
  if (at?.client === client.key) return at;
  const own = leases.leaseOf(client.key, segment);
  if (own || client.mac === undefined) return own;
  const byMac = client.machine !== undefined || request.clientId === undefined;
  return byMac ? leases.leaseOfMac(client.mac, segment) : undefined;
}

/** Pools on the client's wire that serve clients like it, its own network's first. */
export function poolsFor(situation: PlacedSituation): readonly { pool: Pool; subnet: ServedSubnet }[] {
  const { home, subnets } = situation.place;
  const kind = situation.client.known ? "known" : "unknown";
  const ordered = subnets.length === 1 ? subnets : [home, ...subnets.filter((served) => served !== home)];
  return ordered.flatMap((subnet) =>
    subnet.pools
      .filter((pool) => pool.clients === "any" || pool.clients === kind)
      .map((pool) => ({ pool, subnet })),
  );
}

/** Whether an address of this wire may be in dynamic use by this client, whoever has it at present. */
export function mayKeep(situation: PlacedSituation, address: Ipv4): boolean {
  const subnet = subnetAt(situation.place, address);
  if (!subnet || situation.plan.isExcluded(address) || situation.reservations.isReserved(address))
    return false;
  const kind = situation.client.known ? "known" : "unknown";
  return subnet.pools.some(
    (pool) => pool.from <= address && address <= pool.to && (pool.clients === "any" || pool.clients === kind),
  );
}

function endedLease(situation: PlacedSituation, lease: Lease | undefined): ChosenAddress | undefined {
  if (!lease || lease.state === "declined" || !isFree(situation, lease.address)) return undefined;
  const fresh = situation.now - lease.expiresAt > RECENT_MS;
  const details = { because: "its earlier lease", needsHold: true, fresh };
  return chosen(situation, lease.address, situation.client.key, details);
}

function requestedAddress(situation: PlacedSituation): ChosenAddress | undefined {
  const { requested } = situation.request;
  if (requested === undefined) return undefined;
  const lease = situation.leases.leaseAt(requested);
  if (lease && (isLive(lease, situation.now) || isQuarantined(lease, situation.now))) return undefined;
  if (!isFree(situation, requested)) return undefined;
  const details = { because: "the address it asked for", needsHold: true, fresh: true };
  return chosen(situation, requested, situation.client.key, details);
}

function nextAddress(situation: PlacedSituation): ChosenAddress | NoAddress {
  for (const { pool, subnet } of poolsFor(situation)) {
    const address = situation.leases.nextFree(pool);
    if (address === undefined) continue;
    const { key } = situation.client;
    const because = "the next free address";
    return { kind: "address", address, subnet, key, because, needsHold: true, fresh: true };
  }
  return { kind: "none", reason: "pool-exhausted" };
}

function isFree(situation: PlacedSituation, address: Ipv4): boolean {
  return mayKeep(situation, address) && situation.leases.holdAt(address) === undefined;
}

function chosen(
  situation: PlacedSituation,
  address: Ipv4,
  key: string,
  details: { readonly because: string; readonly needsHold: boolean; readonly fresh: boolean },
): ChosenAddress {
  const subnet = subnetAt(situation.place, address) ?? situation.place.home;
  return { kind: "address", address, subnet, key, ...details };
}
