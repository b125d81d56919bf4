/** Stored leases back into memory at start. */

import type { Lease } from "../../domain/dhcp/lease.ts";
import { parseIpv4 } from "../../net/ipv4.ts";
import { parseMac } from "../../net/mac.ts";
import type { LeaseRecord } from "../ports.ts";

/** The lease of a record; undefined when its address cannot be read. */
export function fromRecord(record: LeaseRecord): Lease | undefined {
  const address = parseIpv4(record.address);
  if (address === undefined) return undefined;
  return {
    address,
    client: record.client,
    mac: record.mac === undefined ? undefined : parseMac(record.mac),
    clientId: record.clientId,
    hostname: record.hostname,
    state: record.state,
    startsAt: record.startsAt,
    expiresAt: record.expiresAt,
    giaddr: record.giaddr === undefined ? undefined : parseIpv4(record.giaddr),
    circuitId: record.circuitId,
  };
}
