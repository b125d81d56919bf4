import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError } from "../../../../src/protocol/decode-error.ts";
import { decodeDhcp } from "../../../../src/protocol/dhcp/decode-packet.ts";
import { encodeDhcp } from "../../../../src/protocol/dhcp/encode-packet.ts";
import { OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import { DhcpOptions } from "../../../../src/protocol/dhcp/options.ts";
import type { DhcpPacket } from "../../../../src/protocol/dhcp/packet.ts";
import { clientPacket } from "../../../support/dhcp-client.ts";

type Value = readonly [number, number];

/** A packet with values of these lengths under these codes. */
function packetWith(values: readonly Value[], fields: Partial<DhcpPacket> = {}): DhcpPacket {
  const options = values.map(([code, length]) => [code, new Uint8Array(length).fill(code)] as const);
  return { ...clientPacket(), options: new DhcpOptions(new Map(options)), ...fields };
}

/** Codes in the options field, in their order on the wire. */
function wireOrder(bytes: Uint8Array): number[] {
  const codes: number[] = [];
  for (let at = 240; bytes[at] !== OPTION.end; at += 2 + (bytes[at + 1] ?? 0)) codes.push(bytes[at] ?? 0);
  return codes;
}

function decoded(bytes: Uint8Array): DhcpPacket {
  const packet = decodeDhcp(bytes);
  if (packet instanceof DecodeError) throw packet;
  return packet;
}

test("D-06 no packet is shorter than 300 octets", () => {
  assert.equal(encodeDhcp(clientPacket()).bytes.length, 300);
  assert.equal(encodeDhcp(packetWith([[12, 100]])).bytes.length, 343);
});

test("D-07, P-10 53, 54, 51, 58, 59 and 1 come first, 67 and 82 last", () => {
  const codes = [82, 67, 12, 1, 59, 3, 58, 51, 54, 60, 53];
  const { bytes } = encodeDhcp(packetWith(codes.map((code) => [code, 4])));
  assert.deepEqual(wireOrder(bytes), [53, 54, 51, 58, 59, 1, 12, 3, 60, 67, 82]);
});

test("D-09 what does not fit goes to file and sname when they are free", () => {
  const values: Value[] = [
    [53, 1],
    [12, 100],
    [119, 110],
    [120, 50],
    [82, 20],
  ];
  const { bytes, dropped } = encodeDhcp(packetWith(values), { maxLength: 380, overload: true });
  assert.ok(bytes.length <= 380);
  assert.deepEqual(dropped, []);
  assert.deepEqual(wireOrder(bytes), [53, 12, OPTION.overload, 82]);
  assert.equal(bytes[108], 119);
  assert.equal(bytes[44], 120);
  const packet = decoded(bytes);
  assert.deepEqual([...packet.options.codes()].sort(), [119, 12, 120, 53, 82]);
});

test("D-09 a field that carries a boot string is not used for options", () => {
  const values: Value[] = [
    [53, 1],
    [12, 60],
    [119, 60],
  ];
  const packet = packetWith(values, { file: "undionly.kpxe", sname: "10.0.0.1" });
  const { bytes, dropped } = encodeDhcp(packet, { maxLength: 310, overload: true });
  assert.deepEqual(dropped, [119]);
  assert.equal(decoded(bytes).file, "undionly.kpxe");
});

test("D-09 without overload the options least needed are dropped, and never option 82", () => {
  const values: Value[] = [
    [119, 100],
    [120, 100],
    [53, 1],
    [54, 4],
    [51, 4],
    [6, 8],
    [3, 4],
    [82, 60],
  ];
  const { bytes, dropped } = encodeDhcp(packetWith(values), { maxLength: 360, overload: false });
  assert.ok(bytes.length <= 360);
  assert.deepEqual(dropped, [119, 120]);
  assert.deepEqual(wireOrder(bytes), [53, 54, 51, 6, 3, 82]);
});

test("D-09 option 82 is never put into an overloaded field", () => {
  const values: Value[] = [
    [53, 1],
    [12, 120],
    [119, 60],
    [82, 100],
  ];
  const { bytes } = encodeDhcp(packetWith(values), { maxLength: 380, overload: true });
  assert.equal(wireOrder(bytes).at(-1), 82);
  assert.notEqual(bytes[108], 82);
  assert.notEqual(bytes[44], 82);
});

test("D-10 a value over 255 octets is split in consecutive instances", () => {
  const value = Uint8Array.from({ length: 600 }, (_, index) => index & 255);
  const options = new DhcpOptions(new Map([[43, value]]));
  const { bytes } = encodeDhcp({ ...clientPacket(), options });
  assert.deepEqual(wireOrder(bytes), [43, 43, 43]);
  assert.deepEqual([bytes[241], bytes[240 + 257 + 1], bytes[240 + 2 * 257 + 1]], [255, 255, 90]);
  assert.deepEqual(Uint8Array.from(decoded(bytes).options.get(43) ?? []), value);
});

test("D-10 an empty value is one instance without octets", () => {
  const { bytes } = encodeDhcp(packetWith([[80, 0]]));
  assert.deepEqual([...bytes.subarray(240, 243)], [80, 0, 255]);
});

test("P-08 a string that does not fit its field is left out, never cut", () => {
  const longest = "f".repeat(127);
  assert.equal(decoded(encodeDhcp({ ...clientPacket(), file: longest }).bytes).file, longest);
  assert.equal(decoded(encodeDhcp({ ...clientPacket(), file: `${longest}f` }).bytes).file, "");
});
