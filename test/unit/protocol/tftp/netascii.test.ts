import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toNetascii } from "../../../../src/protocol/tftp/netascii.ts";

const wire = (text: string): string => Buffer.from(toNetascii(Buffer.from(text))).toString("latin1");

test("T-20 LF becomes CR LF and CR becomes CR NUL", () => {
  assert.equal(wire("a\nb"), "a\r\nb");
  assert.equal(wire("a\rb"), "a\r\0b");
  assert.equal(wire("\r\n"), "\r\0\r\n");
  assert.equal(wire(""), "");
});

test("T-20 a receiver that undoes netascii has the same bytes", () => {
  const undo = (bytes: Uint8Array): Buffer =>
    Buffer.from(
      Buffer.from(bytes).toString("latin1").replaceAll("\r\n", "\n").replaceAll("\r\0", "\r"),
      "latin1",
    );
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0x61, 0x0a, 0x0d), { maxLength: 40 }), (codes) => {
      assert.deepEqual([...undo(toNetascii(Uint8Array.from(codes)))], codes);
    }),
  );
});
