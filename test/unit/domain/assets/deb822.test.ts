import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  createParagraphReader,
  type Paragraph,
  parseParagraphs,
} from "../../../../src/domain/assets/deb822.ts";

test("paragraphs are split at empty lines, continuation lines are joined, comments left out", () => {
  const text =
    "Package: one\n# a comment\nDescription: short\n long\n .\n more\n\n \nPackage: two\r\nSize: 5\r\n";
  const [one, two, ...rest] = parseParagraphs(text);
  assert.equal(one?.get("description"), "short\nlong\n.\nmore");
  assert.equal(two?.get("package"), "two");
  assert.equal(two.get("size"), "5");
  assert.equal(rest.length, 0);
});

test("a text cut into pieces anywhere gives the same paragraphs", () => {
  const text = "A: 1\nB: 2\n x\n\n\nA: 3\n\nC: 4\n";
  const whole = parseParagraphs(text).map((paragraph) => [...paragraph]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: text.length })), (cuts) => {
      const found: Paragraph[] = [];
      const reader = createParagraphReader((paragraph) => found.push(paragraph));
      let start = 0;
      for (const cut of [...cuts].sort((a, b) => a - b)) {
        reader.push(text.slice(start, cut));
        start = cut;
      }
      reader.push(text.slice(start));
      reader.end();
      assert.deepEqual(
        found.map((paragraph) => [...paragraph]),
        whole,
      );
    }),
  );
});

test("arbitrary text never throws and a line without a colon is no field", () => {
  fc.assert(
    fc.property(fc.string(), (text) => parseParagraphs(text).every((paragraph) => paragraph.size > 0)),
  );
  assert.equal(parseParagraphs("no colon here\n").length, 0);
});
