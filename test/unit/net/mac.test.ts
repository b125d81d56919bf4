import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  isStationMac,
  type Mac,
  macFromBytes,
  macToBytes,
  macWithHyphens,
  parseMac,
} from "../../../src/net/mac.ts";

test("P-40 a MAC is read in every form that iPXE, firmware and people write", () => {
  const forms = [
    "52:54:00:ab:cd:ef",
    "52-54-00-ab-cd-ef",
    "525400abcdef",
    "5254.00ab.cdef",
    "52:54:00:AB:CD:EF",
    "52-54-00-AB-CD-EF",
    " 525400ABCDEF ",
  ];
  for (const form of forms) assert.equal(parseMac(form), "52:54:00:ab:cd:ef", form);
});

test("P-40 group addresses and all zeroes are no machine's own", () => {
  for (const own of ["525400abcdef", "02:00:00:00:00:01", "00:1b:21:00:00:01"])
    assert.ok(isStationMac(parseMac(own) as Mac), own);
  for (const other of ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "000000000000"])
    assert.ok(!isStationMac(parseMac(other) as Mac), other);
});

test("P-40 what is no MAC is refused", () => {
  const others = [
    "",
    "52:54:00:ab:cd",
    "52:54:00:ab:cd:ef:01",
    "52:54-00:ab:cd:ef",
    "5254:00ab:cdef",
    "52:54:00:ab:cd:eg",
  ];
  for (const text of others) assert.equal(parseMac(text), undefined, text);
});

test("P-40 octets, text and the form of URLs say the same address", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (octets) => {
      const mac = macFromBytes(octets, 6) as Mac;
      assert.deepEqual([...macToBytes(mac)], [...octets]);
      assert.equal(parseMac(macWithHyphens(mac)), mac);
      assert.equal(parseMac(mac), mac);
    }),
    { seed: 40 },
  );
  assert.equal(macFromBytes(new Uint8Array(16), 8), undefined);
  assert.equal(macFromBytes(new Uint8Array(3), 6), undefined);
});
