import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytes, duration, parseDuration } from "../../../src/cli/format.ts";
import { printable, tableLines } from "../../../src/cli/table.ts";

test("durations have two units at most", () => {
  const cases = [
    [0, "0s"],
    [999, "0s"],
    [45_000, "45s"],
    [130_000, "2m10s"],
    [3_600_000, "1h"],
    [3_605_000, "1h5s"],
    [277_200_000, "3d5h"],
    [277_265_000, "3d5h"],
    [-5, "0s"],
  ] as const;
  for (const [milliseconds, text] of cases) assert.equal(duration(milliseconds), text);
});

test("durations are read back as they are written", () => {
  assert.equal(parseDuration("1d12h"), 129_600_000);
  assert.equal(parseDuration("90s"), 90_000);
  for (const text of ["", "soon", "12", "12h and more", "-1h", "1.5h"])
    assert.equal(parseDuration(text), undefined, text);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 59 }), fc.integer({ min: 1, max: 59 }), (minutes, seconds) => {
      const milliseconds = (minutes * 60 + seconds) * 1000;
      assert.equal(parseDuration(duration(milliseconds)), milliseconds);
    }),
  );
});

test("sizes are in powers of 1000", () => {
  assert.deepEqual([0, 999, 1000, 40_100_000, 2.5e12].map(bytes), [
    "0 B",
    "999 B",
    "1.0 kB",
    "40.1 MB",
    "2.5 TB",
  ]);
});

test("columns are as wide as their widest cell, colours not counted, and lines have no trailing blanks", () => {
  const rows = [
    { name: "a", note: "\u001b[31mred\u001b[39m", last: "" },
    { name: "longer", note: "x", last: "end" },
  ];
  const lines = tableLines(rows, [
    { title: "NAME", of: (row) => row.name },
    { title: "NOTE", of: (row) => row.note },
    { title: "", of: (row) => row.last },
  ]);
  assert.deepEqual(lines, ["NAME    NOTE", "a       \u001b[31mred\u001b[39m", "longer  x     end"]);
});

test("control characters show instead of acting, everything else is left alone", () => {
  assert.equal(printable("a\u001b[2Jb\r\nc\u009b"), "a\\x1b[2Jb\\x0d\\x0ac\\x9b");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      assert.ok(!/[\u0000-\u001f\u007f-\u009f]/.test(printable(text)));
    }),
  );
});
