import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AddressHeap } from "../../../../src/domain/dhcp/address-heap.ts";
import { FreeAddresses } from "../../../../src/domain/dhcp/free-addresses.ts";
import { type Ipv4, toIpv4 } from "../../../../src/net/ipv4.ts";

test("D-32 the heap always shows the earliest address, whatever was put in, moved and taken out", () => {
  const step = fc.record({ address: fc.nat(20), at: fc.nat(100), remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new AddressHeap();
      const model = new Map<number, number>();
      for (const { address, at, remove } of steps) {
        if (remove) {
          heap.delete(toIpv4(address));
          model.delete(address);
        } else {
          heap.set(toIpv4(address), at);
          model.set(address, at);
        }
        assert.equal(heap.size, model.size);
        const top = heap.top();
        assert.equal(top?.at, model.size === 0 ? undefined : Math.min(...model.values()));
        if (top) assert.equal(model.get(top.address), top.at);
      }
    }),
    { seed: 32, numRuns: 300 },
  );
});

test("D-32 the last address of a /16 is found without looking at the others again", () => {
  let looks = 0;
  const pool = { id: 0, from: toIpv4(0x0a010000), to: toIpv4(0x0a01ffff), clients: "any" } as const;
  const taken = new Set<Ipv4>();
  const free = new FreeAddresses(pool, {
    usable: () => true,
    untouched: (address) => {
      looks++;
      return !taken.has(address);
    },
  });
  for (let count = 0; count < 65_535; count++) {
    const address = free.next(0);
    assert.ok(address !== undefined);
    taken.add(address);
    free.take(address);
    free.freeFrom(address, 1000 + count);
  }
  assert.equal(free.next(0), toIpv4(0x0a01ffff));
  taken.add(toIpv4(0x0a01ffff));
  looks = 0;
  for (let count = 0; count < 1000; count++) assert.equal(free.next(0), undefined);
  assert.ok(looks <= 1, `${looks} addresses were looked at`);
  assert.equal(free.next(1000), toIpv4(0x0a010000), "the lease that ended first");
});

test("D-32 an address that may not be used leaves the list until it is put back", () => {
  const reserved = new Set<Ipv4>();
  const pool = { id: 0, from: toIpv4(10), to: toIpv4(11), clients: "any" } as const;
  const free = new FreeAddresses(pool, {
    usable: (address) => !reserved.has(address),
    untouched: () => true,
  });
  reserved.add(toIpv4(10));
  assert.equal(free.next(0), 11);
  free.take(toIpv4(11));
  free.freeFrom(toIpv4(11), 500);
  assert.equal(free.next(0), 11, "the cursor stands on an address that nobody touched");
  reserved.delete(toIpv4(10));
  free.freeFrom(toIpv4(10), 0);
  assert.equal(free.next(0), 10);
});
