import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Ipv4, toIpv4 } from "../../../../src/net/ipv4.ts";
import { DecodeError } from "../../../../src/protocol/decode-error.ts";
import { decodeDhcp } from "../../../../src/protocol/dhcp/decode-packet.ts";
import { encodeDhcp } from "../../../../src/protocol/dhcp/encode-packet.ts";
import { OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import { DhcpOptions } from "../../../../src/protocol/dhcp/options.ts";
import type { DhcpPacket } from "../../../../src/protocol/dhcp/packet.ts";

const u8 = fc.nat(255);
const u32 = fc.nat(0xffffffff);
const address = u32.map((value): Ipv4 => toIpv4(value));
const field = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: "grapheme-ascii", maxLength: length - 1 }).filter((text) => !text.includes("\0"));
const code = fc.integer({ min: 1, max: 254 }).filter((value) => value !== OPTION.overload);
const options = fc
  .array(fc.tuple(code, fc.uint8Array({ maxLength: 600 })), { maxLength: 12 })
  .map((entries) => new DhcpOptions(new Map(entries)));
const packet: fc.Arbitrary<DhcpPacket> = fc.record({
  op: fc.constantFrom(1, 2),
  htype: u8,
  hlen: fc.nat(16),
  hops: u8,
  xid: u32,
  secs: fc.nat(65535),
  flags: fc.nat(65535),
  ciaddr: address,
  yiaddr: address,
  siaddr: address,
  giaddr: address,
  chaddr: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  sname: field(64),
  file: field(128),
  options,
});

/** As plain values, so that order of options and kind of byte array do not matter. */
function plain(value: DhcpPacket): unknown {
  const entries = [...value.options.entries()].map(([key, octets]) => [key, [...octets]] as const);
  return { ...value, chaddr: [...value.chaddr], options: new Map(entries.sort(([a], [b]) => a - b)) };
}

function decoded(bytes: Uint8Array): DhcpPacket {
  const result = decodeDhcp(bytes);
  if (result instanceof DecodeError) throw result;
  return result;
}

test("D-04, D-10 decoding what was encoded gives the same packet", () => {
  fc.assert(
    fc.property(packet, (value) => {
      assert.deepEqual(plain(decoded(encodeDhcp(value).bytes)), plain(value));
    }),
    { seed: 4, numRuns: 300 },
  );
});

test("D-08, D-09 no packet is longer than its limit, and nothing but the dropped options is lost", () => {
  const limits = fc.record({ maxLength: fc.integer({ min: 548, max: 1472 }), overload: fc.boolean() });
  fc.assert(
    fc.property(packet, limits, (value, limit) => {
      const small = new Map([...value.options.entries()].map(([key, octets]) => [key, octets.slice(0, 250)]));
      const input = { ...value, options: new DhcpOptions(small) };
      const { bytes, dropped } = encodeDhcp(input, limit);
      assert.ok(bytes.length <= limit.maxLength);
      const kept = new Map([...small].filter(([key]) => !dropped.includes(key)));
      assert.deepEqual(plain(decoded(bytes)), plain({ ...input, options: new DhcpOptions(kept) }));
    }),
    { seed: 8, numRuns: 300 },
  );
});

test("D-01, D-03 any octets give a packet or a DecodeError", () => {
  const start = [1, 1, 6, 0];
  const tail = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), tail, (bytes, after) => {
      decodeDhcp(bytes);
      const whole = new Uint8Array(240 + after.length);
      whole.set(start);
      whole.set([0x63, 0x82, 0x53, 0x63], 236);
      whole.set(after, 240);
      const first = decoded(whole);
      const again = decoded(encodeDhcp(first).bytes);
      assert.deepEqual(plain(again), plain(first));
    }),
    { seed: 1, numRuns: 1000 },
  );
});
