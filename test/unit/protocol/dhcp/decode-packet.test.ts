import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError } from "../../../../src/protocol/decode-error.ts";
import { decodeDhcp } from "../../../../src/protocol/dhcp/decode-packet.ts";
import { encodeDhcp } from "../../../../src/protocol/dhcp/encode-packet.ts";
import { OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import type { DhcpPacket } from "../../../../src/protocol/dhcp/packet.ts";
import { clientPacket } from "../../../support/dhcp-client.ts";

/** A DISCOVER whose options are exactly these octets. */
function withOptions(...octets: readonly number[]): Uint8Array {
  const header = encodeDhcp(clientPacket()).bytes.slice(0, 240);
  return Uint8Array.from([...header, ...octets]);
}

function decoded(bytes: Uint8Array): DhcpPacket {
  const packet = decodeDhcp(bytes);
  if (packet instanceof DecodeError) throw packet;
  return packet;
}

function fault(bytes: Uint8Array): { reason: string; offset: number } {
  const packet = decodeDhcp(bytes);
  assert.ok(packet instanceof DecodeError);
  return { reason: packet.reason, offset: packet.offset };
}

function changed(at: number, value: number): Uint8Array {
  const bytes = Uint8Array.from(encodeDhcp(clientPacket()).bytes);
  bytes[at] = value;
  return bytes;
}

test("D-01 what is no DHCP packet is refused with the offset and the reason", () => {
  assert.deepEqual(fault(new Uint8Array(0)), { reason: "shorter than a DHCP packet", offset: 0 });
  assert.deepEqual(fault(new Uint8Array(239)), { reason: "shorter than a DHCP packet", offset: 239 });
  assert.deepEqual(fault(changed(0, 3)), { reason: "neither a request nor a reply", offset: 0 });
  assert.deepEqual(fault(changed(2, 17)), { reason: "hardware address longer than 16 octets", offset: 2 });
  assert.deepEqual(fault(changed(236, 0)), { reason: "no DHCP magic cookie", offset: 236 });
});

test("D-03 an option that runs past the end is left out, and those before it are kept", () => {
  const { options } = decoded(withOptions(53, 1, 1, 12, 200, 65, 66));
  assert.equal(options.u8(OPTION.messageType), 1);
  assert.equal(options.has(OPTION.hostName), false);
  assert.equal(decoded(withOptions(53, 1, 1, 12)).options.has(OPTION.hostName), false);
});

test("D-03 a missing END and junk after END change nothing", () => {
  assert.equal(decoded(withOptions(53, 1, 1)).options.u8(OPTION.messageType), 1);
  const { options } = decoded(withOptions(53, 1, 1, 255, 12, 2, 65, 66, 1, 2, 3));
  assert.deepEqual([...options.codes()], [OPTION.messageType]);
});

test("D-03 padding before and between options is passed over", () => {
  const { options } = decoded(withOptions(0, 0, 53, 1, 1, 0, 12, 1, 65, 0, 255));
  assert.equal(options.text(OPTION.hostName), "A");
});

test("D-03 no option at all is a packet without options", () => {
  assert.deepEqual([...decoded(withOptions()).options.codes()], []);
});

test("D-04 values of a repeated code are joined in their order", () => {
  const { options } = decoded(withOptions(77, 2, 1, 2, 53, 1, 1, 77, 1, 3, 255));
  assert.deepEqual([...(options.get(77) ?? [])], [1, 2, 3]);
});

test("D-05 options in file and sname are read in this order, and the fields are no boot strings then", () => {
  const bytes = withOptions(53, 1, 1, 52, 1, 3, 12, 1, 65, 255);
  bytes.set([12, 1, 66, 255], 108);
  bytes.set([12, 1, 67, 255], 44);
  const packet = decoded(bytes);
  assert.equal(packet.options.text(OPTION.hostName), "ABC");
  assert.equal(packet.file, "");
  assert.equal(packet.sname, "");
  assert.equal(packet.options.has(OPTION.overload), false);
});

test("D-05 only the field that option 52 names is overloaded", () => {
  const bytes = withOptions(53, 1, 1, 52, 1, 1, 255);
  bytes.set([12, 1, 66, 255], 108);
  bytes.set(Buffer.from("server"), 44);
  const packet = decoded(bytes);
  assert.equal(packet.options.text(OPTION.hostName), "B");
  assert.equal(packet.sname, "server");
});

test("D-05 an option 52 inside an overloaded field means nothing", () => {
  const bytes = withOptions(53, 1, 1, 52, 1, 1, 255);
  bytes.set([52, 1, 2, 12, 1, 66, 255], 108);
  bytes.set(Buffer.from("server"), 44);
  assert.equal(decoded(bytes).sname, "server");
});

test("D-11 views of values of the wrong length are absent", () => {
  const { options } = decoded(withOptions(50, 3, 1, 2, 3, 51, 2, 0, 1, 93, 3, 0, 7, 1, 54, 0, 255));
  assert.equal(options.ipv4(OPTION.requestedAddress), undefined);
  assert.equal(options.u32(OPTION.leaseTime), undefined);
  assert.equal(options.u16s(OPTION.clientArchitecture), undefined);
  assert.equal(options.ipv4s(OPTION.serverId), undefined);
  assert.equal(options.u8(OPTION.leaseTime), undefined);
  assert.equal(options.u16(OPTION.requestedAddress), undefined);
});
