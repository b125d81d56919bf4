import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluatePreconditions, rangeApplies } from "../../../../src/protocol/http/preconditions.ts";

const modifiedAt = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const file = { etag: '"abc"', modifiedAt };
const same = new Date(modifiedAt).toUTCString();
const before = new Date(modifiedAt - 60_000).toUTCString();

test("H-04 the conditions of a request in the order of RFC 9110 13.2.2", () => {
  const table: readonly (readonly [Record<string, string>, string])[] = [
    [{}, "proceed"],
    [{ "if-match": '"abc"' }, "proceed"],
    [{ "if-match": '"x", "abc"' }, "proceed"],
    [{ "if-match": "*" }, "proceed"],
    [{ "if-match": '"x"' }, "failed"],
    [{ "if-match": 'W/"abc"' }, "failed"],
    [{ "if-unmodified-since": same }, "proceed"],
    [{ "if-unmodified-since": before }, "failed"],
    [{ "if-match": '"abc"', "if-unmodified-since": before }, "proceed"],
    [{ "if-unmodified-since": "nonsense" }, "proceed"],
    [{ "if-none-match": '"abc"' }, "not-modified"],
    [{ "if-none-match": 'W/"abc"' }, "not-modified"],
    [{ "if-none-match": '"x"' }, "proceed"],
    [{ "if-none-match": '"x"', "if-modified-since": same }, "proceed"],
    [{ "if-modified-since": same }, "not-modified"],
    [{ "if-modified-since": before }, "proceed"],
  ];
  for (const [headers, expected] of table) {
    assert.equal(evaluatePreconditions(headers, file), expected, JSON.stringify(headers));
  }
});

test("H-04 a range counts only for the state that If-Range names", () => {
  assert.equal(rangeApplies({}, file), true);
  assert.equal(rangeApplies({ "if-range": '"abc"' }, file), true);
  assert.equal(rangeApplies({ "if-range": '"x"' }, file), false);
  assert.equal(rangeApplies({ "if-range": 'W/"abc"' }, file), false);
  assert.equal(rangeApplies({ "if-range": same }, file), true);
  assert.equal(rangeApplies({ "if-range": before }, file), false);
});
