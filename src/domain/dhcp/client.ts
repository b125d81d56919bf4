/** Who asks: the identity that leases are kept under. */
import type { Ipv4 } from "../../net/ipv4.ts";
import type { Mac } from "../../net/mac.ts";
import { HTYPE_INFINIBAND } from "../../protocol/dhcp/option-codes.ts";
import type { Machine } from "../machine.ts";
import type { ClientRequest } from "./client-request.ts";
import type { DhcpRules } from "./rules.ts";

/** An address kept for a client, and the key that its lease goes under. */
export interface Reservation {
  readonly address: Ipv4;
  readonly key: string;
}

/** Identities by which a reservation can be found. */
export interface ClientIdentities {
  readonly mac: Mac | undefined;
  readonly clientId: string | undefined;
  readonly uuid: string | undefined;
  readonly circuitId: string | undefined;
}

/** Reservations of machines and of the configuration. */
export interface ReservationView {
  /** All that fit, by MAC first, then client id, UUID, circuit id. */
  reservationsFor(identities: ClientIdentities): readonly Reservation[];
  isReserved(address: Ipv4): boolean;
}

export interface Client {
  /** `mac:52:54:…`, `id:<hex>`, `uuid:…`, `circuit:<hex>` or `hw:<type>:<hex>`. */
  readonly key: string;
  readonly mac: Mac | undefined;
  readonly machine: Machine | undefined;
  /** Registered as a machine, or somebody reserved an address for it. */
  readonly known: boolean;
  readonly reservations: readonly Reservation[];
}

/**
 * Names the client. A machine is its hardware address, whatever client id its ROM, iPXE, installer and system send;
 * others are told apart as `matchBy` says. Undefined when the packet carries no identity at all (RFC 4390 wants a
 * client id from clients without a usable chaddr).
 */
export function identifyClient(
  request: ClientRequest,
  context: {
    readonly machine: Machine | undefined;
    readonly rules: DhcpRules;
    readonly reservations: ReservationView;
  },
): Client | undefined {
  const { machine, rules } = context;
  const key = keyOf(request, machine ? "mac" : rules.matchBy);
  if (key === undefined) return undefined;
  const reservations = context.reservations.reservationsFor({
    mac: request.mac,
    clientId: request.clientId,
    uuid: request.uuid,
    circuitId: request.relay?.circuitId,
  });
  return {
    key,
    mac: request.mac,
    machine,
    known: machine !== undefined || reservations.length > 0,
    reservations,
  };
}

function keyOf(request: ClientRequest, matchBy: "mac" | "client-id"): string | undefined {
  const { packet, mac, clientId } = request;
  const noHardware = packet.hlen === 0 || packet.htype === HTYPE_INFINIBAND;
  if (clientId !== undefined && (matchBy === "client-id" || noHardware)) return `id:${clientId}`;
  if (mac !== undefined) return isZero(packet.chaddr) ? undefined : `mac:${mac}`;
  if (noHardware || isZero(packet.chaddr)) return undefined;
  return `hw:${packet.htype}:${Buffer.from(packet.chaddr.subarray(0, packet.hlen)).toString("hex")}`;
}

function isZero(chaddr: Uint8Array): boolean {
  for (const octet of chaddr) if (octet !== 0) return false;
  return true;
}
