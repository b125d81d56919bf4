import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSize } from "../../../../src/domain/install/size.ts";

test("parseSize reads decimal and binary units", () => {
  const rows: readonly (readonly [string | number, number])[] = [
    [4096, 4096],
    ["512", 512],
    ["512MiB", 536_870_912],
    ["20GB", 20_000_000_000],
    ["20 gb", 20_000_000_000],
    ["1.5T", 1_500_000_000_000],
    ["2Ki", 2048],
  ];
  for (const [text, bytes] of rows) assert.equal(parseSize(text), bytes, String(text));
});

test("parseSize refuses what is no size", () => {
  for (const text of ["", "GB", "-1GB", "20XB", "1e9", 0, -5, 1.5]) assert.equal(parseSize(text), undefined);
});
