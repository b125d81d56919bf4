import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { mergeSettings } from "../../../../src/domain/node/merge.ts";
import { yamlDocuments, yamlText } from "../../../../src/domain/node/yaml-text.ts";

const value = {
  kind: "Pod",
  words: [
    "yes",
    "off",
    "null",
    "1.36",
    "a: b",
    "# no",
    "",
    "it's",
    'say "it"',
    "two\nlines",
    "@TOKEN@",
    "-x",
  ],
  numbers: [1, 0.5, -3, true, null],
  nested: [{ name: "a", list: [["x"], []] }, { empty: {}, deep: { deeper: [1] } }, []],
  "key: with": "colon",
};

test("YAML every reader, old or new, gets back what was written", () => {
  for (const version of ["1.1", "1.2"] as const) assert.deepEqual(parse(yamlText(value), { version }), value);
});

test("YAML fields that are undefined are left out", () => {
  assert.equal(yamlText({ a: undefined, b: { c: undefined }, d: 1 }), "b: {}\nd: 1\n");
});

test("YAML documents stand apart", () => {
  const read = parseAllDocuments(yamlDocuments([{ a: 1 }, { b: [2] }])).map((it) => it.toJS() as unknown);
  assert.deepEqual(read, [{ a: 1 }, { b: [2] }]);
});

test("MERGE objects are merged, lists replaced, null takes away", () => {
  const ours = { a: { b: 1, c: 2 }, list: [1, 2], gone: true };
  assert.deepEqual(mergeSettings(ours, { a: { c: 3 }, list: [9], gone: null, more: {} }), {
    a: { b: 1, c: 3 },
    list: [9],
    more: {},
  });
  assert.deepEqual(ours, { a: { b: 1, c: 2 }, list: [1, 2], gone: true });
});
