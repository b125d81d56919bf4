import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { negotiate, type TftpTerms } from "../../../../src/protocol/tftp/options.ts";

const limits = { maxBlockSize: 1468, maxWindowSize: 16 };

function ask(options: Record<string, string>, mode = "octet", size = 850_000): TftpTerms {
  const list = Object.entries(options).map(([name, value]) => ({ name, value }));
  return negotiate({ kind: "read", path: "ipxe.efi", mode, options: list }, size, limits);
}

function granted(options: Record<string, string>, mode?: string): Record<string, string> {
  return Object.fromEntries(ask(options, mode).acknowledged.map(({ name, value }) => [name, value]));
}

test("T-01, T-02 no options and only unknown ones leave nothing to acknowledge", () => {
  assert.deepEqual(ask({}), { blksize: 512, windowsize: 1, acknowledged: [] });
  assert.deepEqual(ask({ multicast: "", "x-odd": "1" }).acknowledged, []);
});

test("T-02 names match in any case and are echoed as they came, in their order", () => {
  assert.deepEqual(ask({ TSize: "0", BLKSIZE: "1024" }).acknowledged, [
    { name: "TSize", value: "850000" },
    { name: "BLKSIZE", value: "1024" },
  ]);
});

test("T-03 blksize is granted up to the cap and ignored outside of 8 to 65464", () => {
  assert.equal(ask({ blksize: "1432" }).blksize, 1432);
  assert.equal(ask({ blksize: "65464" }).blksize, 1468);
  assert.equal(ask({ blksize: "8" }).blksize, 8);
  for (const value of ["7", "65465", "0", "-1", "1468x", "0x200", "", " 512", "99999999"]) {
    assert.deepEqual(ask({ blksize: value }).acknowledged, [], value);
    assert.equal(ask({ blksize: value }).blksize, 512);
  }
});

test("T-04 tsize 0 gets the size in octet mode and nothing in netascii; another value is not that question", () => {
  assert.deepEqual(granted({ tsize: "0" }), { tsize: "850000" });
  assert.deepEqual(granted({ tsize: "0" }, "netascii"), {});
  assert.deepEqual(granted({ tsize: "5" }), {});
});

test("T-05 timeout is echoed exactly and kept, or left out", () => {
  assert.deepEqual(granted({ timeout: "5" }), { timeout: "5" });
  assert.equal(ask({ timeout: "255" }).timeout, 255_000);
  for (const value of ["0", "256", "1.5"]) assert.equal(ask({ timeout: value }).timeout, undefined);
});

test("T-06 windowsize is granted up to the cap, and one block in netascii", () => {
  assert.equal(ask({ windowsize: "4" }).windowsize, 4);
  assert.deepEqual(granted({ windowsize: "64" }), { windowsize: "16" });
  for (const value of ["0", "65536"]) assert.equal(ask({ windowsize: value }).windowsize, 1);
  assert.equal(ask({ windowsize: "4" }, "netascii").windowsize, 1);
  assert.deepEqual(granted({ windowsize: "4" }, "netascii"), {});
});

test("T-02, T-30 what is acknowledged was asked for, and is never more than was asked", () => {
  const names = ["blksize", "BLKSIZE", "windowsize", "timeout", "tsize", "other"];
  const options = fc.array(
    fc.record({ name: fc.constantFrom(...names), value: fc.oneof(fc.nat(70_000).map(String), fc.string()) }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(options, (list) => {
      const terms = negotiate({ kind: "read", path: "a", mode: "octet", options: list }, 42, limits);
      for (const { name, value } of terms.acknowledged) {
        const asked = list.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
        assert.equal(asked?.name, name);
        if (name.toLowerCase() !== "tsize") assert.ok(Number(value) <= Number(asked.value));
      }
      const kinds = terms.acknowledged.map(({ name }) => name.toLowerCase());
      assert.equal(new Set(kinds).size, kinds.length);
    }),
  );
});
