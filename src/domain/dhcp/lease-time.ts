/** How long a lease lasts, and when its client asks again. */
import type { DhcpRules } from "./rules.ts";

/** Machines that nobody registered get short leases, so that an approved one moves to its own address soon. */
const UNKNOWN_LEASE_SECONDS = 600;

export interface LeaseTimes {
  readonly seconds: number;
  /** T1 and T2 of RFC 2131 §4.4.5, seconds. */
  readonly renewal: number;
  readonly rebinding: number;
}

/** The time asked for (option 51; "for ever" included) brought within the configured limits. */
export function leaseTimes(
  asked: number | undefined,
  rules: DhcpRules,
  client: { readonly known: boolean },
): LeaseTimes {
  const wanted = Math.min(
    Math.max(asked ?? rules.leaseSeconds, rules.minLeaseSeconds),
    rules.maxLeaseSeconds,
  );
  const unknownLimit = Math.max(rules.minLeaseSeconds, UNKNOWN_LEASE_SECONDS);
  const seconds = client.known ? wanted : Math.min(wanted, unknownLimit);
  return { seconds, renewal: Math.floor(seconds / 2), rebinding: Math.floor((seconds * 7) / 8) };
}
