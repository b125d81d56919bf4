import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  ackedBlock,
  decodeTftp,
  encodeTftp,
  type TftpPacket,
  writeDataHeader,
} from "../../../../src/protocol/tftp/packet.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const text = fc.string({ maxLength: 60 }).map((raw) => raw.replaceAll("\0", ""));
const option = fc.tuple(text, text).map(([name, value]) => ({ name, value }));
const options = fc.array(option, { maxLength: 6 });
const block = fc.integer({ min: 0, max: 65535 });

const request = fc
  .tuple(
    fc.constantFrom("read" as const, "write" as const),
    text,
    fc.constantFrom("octet", "netascii", "mail"),
    options,
  )
  .map(([kind, path, mode, list]): TftpPacket => ({ kind, path, mode, options: list }));
const packet: fc.Arbitrary<TftpPacket> = fc.oneof(
  request,
  fc
    .tuple(block, fc.uint8Array({ maxLength: 600 }))
    .map(([number, data]): TftpPacket => ({ kind: "data", block: number, data: Buffer.from(data) })),
  block.map((number): TftpPacket => ({ kind: "ack", block: number })),
  fc.tuple(block, text).map(([code, message]): TftpPacket => ({ kind: "error", code, message })),
  fc
    .array(option, { minLength: 1, maxLength: 6 })
    .map((list): TftpPacket => ({ kind: "oack", options: list })),
);

test("T-01 a packet survives encoding and decoding", () => {
  fc.assert(fc.property(packet, (value) => assert.deepEqual(decodeTftp(encodeTftp(value)), value)));
});

test("T-20 the mode is read in any case", () => {
  const request = decodeTftp(bytes("\0\x01boot.efi\0OcTeT\0"));
  assert.deepEqual(request, { kind: "read", path: "boot.efi", mode: "octet", options: [] });
});

test("T-02 options keep the spelling of their sender", () => {
  const request = decodeTftp(bytes("\0\x01a\0octet\0BLKSIZE\x001468\0"));
  assert.ok(request.kind === "read");
  assert.deepEqual(request.options, [{ name: "BLKSIZE", value: "1468" }]);
});

test("T-24 a request without terminator, mode or option value is malformed and recognised as a request", () => {
  for (const broken of ["\0\x01file", "\0\x01file\0octet", "\0\x01file\0", "\0\x01file\0octet\0blksize\0"]) {
    const result = decodeTftp(bytes(broken));
    assert.ok(result.kind === "malformed" && result.request, JSON.stringify(broken));
  }
});

test("T-22 a text longer than 512 bytes or too many options are malformed", () => {
  assert.equal(decodeTftp(bytes(`\0\x01${"a".repeat(513)}\0octet\0`)).kind, "malformed");
  assert.equal(decodeTftp(bytes(`\0\x01${"a".repeat(512)}\0octet\0`)).kind, "read");
  assert.equal(decodeTftp(bytes(`\0\x01a\0octet\0${"o\x001\0".repeat(17)}`)).kind, "malformed");
});

test("T-18 an ERROR without its text or its final NUL is read", () => {
  assert.deepEqual(decodeTftp(bytes("\0\x05\0\x08")), { kind: "error", code: 8, message: "" });
  assert.deepEqual(decodeTftp(bytes("\0\x05\0\0TFTP Aborted")), {
    kind: "error",
    code: 0,
    message: "TFTP Aborted",
  });
});

test("T-30 an OACK ends with the NUL of its last value", () => {
  const encoded = encodeTftp({
    kind: "oack",
    options: [
      { name: "tsize", value: "7" },
      { name: "blksize", value: "1468" },
    ],
  });
  assert.equal(Buffer.from(encoded).toString("latin1"), "\0\x06tsize\x007\0blksize\x001468\0");
});

test("T-10 the block number on the wire is the low 16 bits", () => {
  const header = new Uint8Array(4);
  writeDataHeader(header, 65536 + 258);
  assert.deepEqual([...header], [0, 3, 1, 2]);
  writeDataHeader(header, 131072);
  assert.deepEqual([...header], [0, 3, 0, 0]);
});

test("T-08 the fast reading of an ACK agrees with the decoder", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 8 }),
        block.map((n) => encodeTftp({ kind: "ack", block: n })),
      ),
      (raw) => {
        const fast = ackedBlock(raw);
        const slow = decodeTftp(raw);
        if (fast >= 0) assert.deepEqual(slow, { kind: "ack", block: fast });
        if (slow.kind === "ack" && raw.length === 4) assert.equal(fast, slow.block);
      },
    ),
  );
});

test("T-22, T-24 any bytes give a value", () => {
  const kinds = ["read", "write", "data", "ack", "error", "oack", "malformed"];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.integer({ min: 0, max: 7 }), (raw, opcode) => {
      if (raw.length > 1) raw.set([0, opcode]);
      assert.ok(kinds.includes(decodeTftp(raw).kind));
    }),
    { numRuns: 2000 },
  );
});
