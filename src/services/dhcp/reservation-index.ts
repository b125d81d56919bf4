/** Reserved addresses, found by every identity that a client may show and by the address itself. */

import type { ClientIdentities, Reservation, ReservationView } from "../../domain/dhcp/client.ts";
import type { ReservationSettings } from "../../domain/dhcp/network-config.ts";
import type { Machine } from "../../domain/machine.ts";
import { type Ipv4, parseIpv4 } from "../../net/ipv4.ts";
import { type Mac, parseMac } from "../../net/mac.ts";
import { parseInterfaceAddress } from "../../net/subnet.ts";

interface Entry extends Reservation {
  /** `mac:…`, `id:…`, `uuid:…` or `circuit:…`: how the client is found, and the key of its lease. */
  readonly key: string;
}

const NONE: readonly Reservation[] = [];

export class ReservationIndex implements ReservationView {
  readonly #byKey = new Map<string, Entry[]>();
  readonly #addresses = new Map<Ipv4, number>();
  readonly #ofMachine = new Map<string, readonly Entry[]>();
  /** Kinds of identity that any reservation uses; the others need not be looked up. */
  readonly #kinds = new Set<string>();

  constructor(reservations: readonly ReservationSettings[]) {
    for (const reservation of reservations) {
      const entry = entryOf(reservation);
      if (entry) this.#add(entry);
    }
  }

  reservationsFor(identities: ClientIdentities): readonly Reservation[] {
    const { mac, clientId, uuid, circuitId } = identities;
    const byMac = mac === undefined ? undefined : this.#byKey.get(`mac:${mac}`);
    if (this.#kinds.size === 0) return byMac ?? NONE;
    const others = [
      ...(clientId === undefined ? [] : (this.#byKey.get(`id:${clientId}`) ?? [])),
      ...(uuid === undefined ? [] : (this.#byKey.get(`uuid:${uuid}`) ?? [])),
      ...(circuitId === undefined ? [] : (this.#byKey.get(`circuit:${circuitId}`) ?? [])),
    ];
    return byMac ? [...byMac, ...others] : others;
  }

  isReserved(address: Ipv4): boolean {
    return this.#addresses.has(address);
  }

  /**
   * Replaces what a machine reserves; a retired machine reserves nothing, nor does one that was removed.
   * @returns addresses that nobody reserves any more.
   */
  setMachine(name: string, machine: Machine | undefined): readonly Ipv4[] {
    const before = this.#ofMachine.get(name) ?? [];
    const after = machine && machine.state !== "retired" ? entriesOf(machine) : [];
    for (const entry of before) this.#remove(entry);
    for (const entry of after) this.#add(entry);
    if (after.length > 0) this.#ofMachine.set(name, after);
    else this.#ofMachine.delete(name);
    return before.map((entry) => entry.address).filter((address) => !this.#addresses.has(address));
  }

  #add(entry: Entry): void {
    const entries = this.#byKey.get(entry.key);
    if (entries) entries.push(entry);
    else this.#byKey.set(entry.key, [entry]);
    this.#addresses.set(entry.address, (this.#addresses.get(entry.address) ?? 0) + 1);
    const kind = entry.key.slice(0, entry.key.indexOf(":"));
    if (kind !== "mac") this.#kinds.add(kind);
  }

  #remove(entry: Entry): void {
    const left = (this.#byKey.get(entry.key) ?? []).filter((other) => other !== entry);
    if (left.length > 0) this.#byKey.set(entry.key, left);
    else this.#byKey.delete(entry.key);
    const count = (this.#addresses.get(entry.address) ?? 0) - 1;
    if (count > 0) this.#addresses.set(entry.address, count);
    else this.#addresses.delete(entry.address);
  }
}

/** The boot MAC's address, and those of other NICs that have one of their own. */
function entriesOf({ spec }: Machine): readonly Entry[] {
  const wanted = new Map<Mac, Ipv4>();
  for (const nic of spec.interfaces) {
    const address = nic.address === undefined ? undefined : parseInterfaceAddress(nic.address)?.address;
    if (address !== undefined) wanted.set(nic.mac, address);
  }
  const boot = spec.address === undefined ? undefined : parseIpv4(spec.address);
  if (boot !== undefined) wanted.set(spec.mac, boot);
  return [...wanted].map(([mac, address]) => ({ address, key: `mac:${mac}` }));
}

function entryOf(reservation: ReservationSettings): Entry | undefined {
  const address = parseIpv4(reservation.address);
  const key = keyOf(reservation);
  return address === undefined || key === undefined ? undefined : { address, key };
}

function keyOf({ mac, clientId, uuid, circuitId }: ReservationSettings): string | undefined {
  if (mac !== undefined) return `mac:${parseMac(mac) ?? mac}`;
  if (clientId !== undefined) return `id:${clientId.toLowerCase()}`;
  if (uuid !== undefined) return `uuid:${uuid.toLowerCase()}`;
  return circuitId === undefined ? undefined : `circuit:${circuitId.toLowerCase()}`;
}
