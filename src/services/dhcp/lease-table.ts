/** Leases and offers of this appliance, in memory: every decision is taken from here. */

import { FreeAddresses } from "../../domain/dhcp/free-addresses.ts";
import {
  type Hold,
  isQuarantined,
  type Lease,
  type LeaseChange,
  type LeaseView,
} from "../../domain/dhcp/lease.ts";
import type { NetworkPlan, Pool } from "../../domain/dhcp/network-plan.ts";
import type { Ipv4 } from "../../net/ipv4.ts";
import type { Mac } from "../../net/mac.ts";
import { Queue } from "./queue.ts";

interface TimedHold extends Hold {
  /** Monotonic milliseconds. */
  readonly until: number;
}

interface ClientIndex {
  readonly byClient: Map<string, Lease>;
  readonly byMac: Map<Mac, Lease>;
}

/** Leases of networks that are configured no more. */
const NO_SEGMENT = -1;

export class LeaseTable implements LeaseView {
  readonly #plan: NetworkPlan;
  readonly #holdMs: number;
  readonly #byAddress = new Map<Ipv4, Lease>();
  readonly #indexes = new Map<number, ClientIndex>();
  readonly #holds = new Map<string, TimedHold>();
  readonly #holdEnds = new Queue<TimedHold>();
  readonly #holdsByAddress = new Map<Ipv4, TimedHold>();
  readonly #holdCounts = new Map<number, number>();
  readonly #declined = new Set<Ipv4>();
  readonly #free: readonly FreeAddresses[];
  #now = 0;
  #monotonic = 0;

  constructor(options: {
    readonly plan: NetworkPlan;
    readonly offerHoldSeconds: number;
    readonly isReserved: (address: Ipv4) => boolean;
  }) {
    const { plan } = options;
    this.#plan = plan;
    this.#holdMs = options.offerHoldSeconds * 1000;
    const usable = (address: Ipv4): boolean => !plan.isExcluded(address) && !options.isReserved(address);
    const untouched = (address: Ipv4): boolean =>
      !this.#byAddress.has(address) && !this.#holdsByAddress.has(address);
    const pools = plan.subnets.flatMap((subnet) => subnet.pools);
    this.#free = pools.map((pool) => new FreeAddresses(pool, { usable, untouched }));
  }

  /** Sets the time of all following questions, lease time and monotonic milliseconds, and ends lapsed holds. */
  advance(time: { readonly now: number; readonly monotonic: number }): void {
    this.#now = time.now;
    this.#monotonic = time.monotonic;
    // All holds last equally long, so the first in the queue is the first to end.
    for (let hold = this.#holdEnds.first(); hold; hold = this.#holdEnds.first()) {
      if (hold.until > time.monotonic) return;
      this.#holdEnds.dropFirst();
      if (this.#holds.get(hold.client) === hold) this.#dropHold(hold.client);
    }
  }

  /** Makes a change. Of a written lease it returns what stood at the address before, for {@link restore}. */
  apply(change: LeaseChange): Lease | undefined {
    switch (change.kind) {
      case "hold":
        this.#hold(change.hold);
        return undefined;
      case "drop-hold":
        this.#dropHold(change.client);
        return undefined;
      case "write":
        return this.#write(change.lease);
    }
  }

  /** Takes a written lease back; a client that had only an offer of the address gets the offer back. */
  restore(address: Ipv4, before: Lease | undefined): void {
    const lease = this.#byAddress.get(address);
    if (!lease) return;
    if (before) {
      this.#write(before);
    } else {
      this.#byAddress.delete(address);
      this.#declined.delete(address);
      this.#unindex(lease);
      this.#freeList(address)?.freeFrom(address, 0);
    }
    const segment = this.#plan.subnetOf(address)?.segment;
    const offered = lease.state === "bound" && before?.client !== lease.client;
    if (offered && segment !== undefined) this.#hold({ address, client: lease.client, segment });
  }

  /** A reservation of the address has ended: it may be given to anybody once nobody lives there. */
  unreserved(address: Ipv4): void {
    if (this.#holdsByAddress.has(address) || this.#plan.isExcluded(address)) return;
    this.#freeList(address)?.freeFrom(address, this.#byAddress.get(address)?.expiresAt ?? 0);
  }

  /** Moves all lease times after a jump of the clock, so that what was left of each lease stays left. */
  shift(milliseconds: number): readonly Lease[] {
    for (const free of this.#free) free.shift(milliseconds);
    const moved = [...this.#byAddress.values()].map((lease) => ({
      ...lease,
      startsAt: lease.startsAt + milliseconds,
      expiresAt: lease.expiresAt + milliseconds,
    }));
    for (const lease of moved) this.#write(lease);
    return moved;
  }

  all(): IterableIterator<Lease> {
    return this.#byAddress.values();
  }

  leaseAt(address: Ipv4): Lease | undefined {
    return this.#byAddress.get(address);
  }

  leaseOf(client: string, segment: number): Lease | undefined {
    return this.#indexes.get(segment)?.byClient.get(client);
  }

  leaseOfMac(mac: Mac, segment: number): Lease | undefined {
    return this.#indexes.get(segment)?.byMac.get(mac);
  }

  holdAt(address: Ipv4): Hold | undefined {
    return this.#holdsByAddress.get(address);
  }

  holdOf(client: string): Hold | undefined {
    return this.#holds.get(client);
  }

  holdCount(segment: number): number {
    return this.#holdCounts.get(segment) ?? 0;
  }

  nextFree(pool: Pool): Ipv4 | undefined {
    return this.#free[pool.id]?.next(this.#now);
  }

  quarantined(client?: string): number {
    let count = 0;
    for (const address of this.#declined) {
      const lease = this.#byAddress.get(address);
      if (!lease || !isQuarantined(lease, this.#now)) this.#declined.delete(address);
      else if (client === undefined || lease.client === client) count++;
    }
    return count;
  }

  #hold(hold: Hold): void {
    this.#dropHold(hold.client);
    const timed = { ...hold, until: this.#monotonic + this.#holdMs };
    this.#holds.set(hold.client, timed);
    this.#holdEnds.push(timed);
    this.#holdsByAddress.set(hold.address, timed);
    this.#holdCounts.set(hold.segment, this.holdCount(hold.segment) + 1);
    this.#freeList(hold.address)?.take(hold.address);
  }

  #dropHold(client: string): void {
    const hold = this.#holds.get(client);
    if (!hold) return;
    this.#holds.delete(client);
    this.#holdsByAddress.delete(hold.address);
    this.#holdCounts.set(hold.segment, this.holdCount(hold.segment) - 1);
    this.#freeList(hold.address)?.freeFrom(hold.address, this.#byAddress.get(hold.address)?.expiresAt ?? 0);
  }

  #write(lease: Lease): Lease | undefined {
    const before = this.#byAddress.get(lease.address);
    if (before && (before.client !== lease.client || before.mac !== lease.mac)) this.#unindex(before);
    this.#dropHold(lease.client);
    this.#byAddress.set(lease.address, lease);
    const index = this.#indexOf(lease.address);
    index.byClient.set(lease.client, lease);
    if (lease.mac !== undefined) index.byMac.set(lease.mac, lease);
    if (lease.state === "declined") this.#declined.add(lease.address);
    else this.#declined.delete(lease.address);
    if (!this.#holdsByAddress.has(lease.address)) {
      this.#freeList(lease.address)?.freeFrom(lease.address, lease.expiresAt);
    }
    return before;
  }

  #unindex(lease: Lease): void {
    const index = this.#indexOf(lease.address);
    if (index.byClient.get(lease.client)?.address === lease.address) index.byClient.delete(lease.client);
    if (lease.mac === undefined) return;
    if (index.byMac.get(lease.mac)?.address === lease.address) index.byMac.delete(lease.mac);
  }

  #indexOf(address: Ipv4): ClientIndex {
    const segment = this.#plan.subnetOf(address)?.segment ?? NO_SEGMENT;
    const known = this.#indexes.get(segment);
    if (known) return known;
    const index: ClientIndex = { byClient: new Map(), byMac: new Map() };
    this.#indexes.set(segment, index);
    return index;
  }

  #freeList(address: Ipv4): FreeAddresses | undefined {
    const pools = this.#plan.subnetOf(address)?.pools ?? [];
    const pool = pools.find(({ from, to }) => from <= address && address <= to);
    return pool && this.#free[pool.id];
  }
}
