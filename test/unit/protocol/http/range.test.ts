import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseRange } from "../../../../src/protocol/http/range.ts";

const part = (start: number, end: number) => ({ kind: "part", start, end });
const WHOLE = { kind: "whole" };
const UNSATISFIABLE = { kind: "unsatisfiable" };

test("H-03 the forms of a range against a file of 100 bytes", () => {
  const table: readonly (readonly [string | undefined, object])[] = [
    ["bytes=0-0", part(0, 0)],
    ["bytes=10-19", part(10, 19)],
    ["bytes=10-", part(10, 99)],
    ["bytes=-10", part(90, 99)],
    ["bytes=-1000", part(0, 99)],
    ["bytes=90-1000", part(90, 99)],
    ["BYTES=1-2", part(1, 2)],
    ["bytes=100-", UNSATISFIABLE],
    ["bytes=-0", UNSATISFIABLE],
    ["bytes=20-10", WHOLE],
    ["bytes=0-1,5-6", WHOLE],
    ["bytes=-", WHOLE],
    ["bytes=a-b", WHOLE],
    ["lines=1-2", WHOLE],
    [undefined, WHOLE],
  ];
  for (const [header, expected] of table) assert.deepEqual(parseRange(header, 100), expected, header);
  assert.deepEqual(parseRange("bytes=0-", 0), UNSATISFIABLE);
});

test("H-03 a part always lies inside the file", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), fc.nat(), (noise, a, b, size) => {
      for (const header of [noise, `bytes=${noise}`, `bytes=${a}-${b}`, `bytes=-${a}`, `bytes=${a}-`]) {
        const range = parseRange(header, size);
        if (range.kind === "part")
          assert.ok(range.start >= 0 && range.start <= range.end && range.end < size);
      }
    }),
  );
});
