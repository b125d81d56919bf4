/** Leases and offers as the decision sees them. Lease times are epoch milliseconds. */
import { formatIpv4, type Ipv4 } from "../../net/ipv4.ts";
import type { Mac } from "../../net/mac.ts";
import type { Pool } from "./network-plan.ts";

/** An address and whose it is or was. Immutable. */
export interface Lease {
  readonly address: Ipv4;
  /** Key of the client, see {@link Client}. */
  readonly client: string;
  readonly mac: Mac | undefined;
  /** Option 61, lower-case hex. */
  readonly clientId: string | undefined;
  readonly hostname: string | undefined;
  /** A declined address is quarantined until `expiresAt`. */
  readonly state: "bound" | "released" | "declined";
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly giaddr: Ipv4 | undefined;
  readonly circuitId: string | undefined;
}

/** An address offered and not yet taken: no lease, gone on its own after a short while. */
export interface Hold {
  readonly address: Ipv4;
  readonly client: string;
  readonly segment: number;
}

/** What the decision may ask about addresses. Lapsed holds are never returned; expired leases are. */
export interface LeaseView {
  leaseAt(address: Ipv4): Lease | undefined;
  /** The last lease of a client in a segment, which may have ended; undefined once another client has the address. */
  leaseOf(client: string, segment: number): Lease | undefined;
  leaseOfMac(mac: Mac, segment: number): Lease | undefined;
  holdAt(address: Ipv4): Hold | undefined;
  holdOf(client: string): Hold | undefined;
  /** Holds outstanding in a segment. */
  holdCount(segment: number): number;
  /** The next address of a pool that is neither leased, held, reserved nor quarantined. Constant or logarithmic work. */
  nextFree(pool: Pool): Ipv4 | undefined;
  /** Addresses in quarantine: those of one client, or all. */
  quarantined(client?: string): number;
}

/** What a decision does to the leases; applied by whoever asked for it. */
export type LeaseChange =
  | { readonly kind: "hold"; readonly hold: Hold }
  | { readonly kind: "drop-hold"; readonly client: string }
  | { readonly kind: "write"; readonly lease: Lease };

/** Whether the lease gives its client the address now. */
export function isLive(lease: Lease, now: number): boolean {
  return lease.state === "bound" && lease.expiresAt > now;
}

/** Whether the address may not be given to anybody now. */
export function isQuarantined(lease: Lease, now: number): boolean {
  return lease.state === "declined" && lease.expiresAt > now;
}

/** The quarantine of an address on which somebody unknown answered a ping. */
export function leaseInUse(address: Ipv4, time: Pick<Lease, "startsAt" | "expiresAt">): Lease {
  return {
    address,
    client: `in-use:${formatIpv4(address)}`,
    mac: undefined,
    clientId: undefined,
    hostname: undefined,
    state: "declined",
    ...time,
    giaddr: undefined,
    circuitId: undefined,
  };
}
