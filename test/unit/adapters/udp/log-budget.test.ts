import assert from "node:assert/strict";
import { test } from "node:test";
import { LogBudget } from "../../../../src/adapters/udp/log-budget.ts";

test("D-98 a flood writes a bounded number of lines, and the next one says how many were left out", () => {
  const budget = new LogBudget();
  const written: { suppressed?: number }[] = [];
  for (let i = 0; i < 10_000; i++) budget.spend(i / 10, (suppressed) => written.push(suppressed));
  assert.ok(written.length >= 200 && written.length <= 225, String(written.length));
  const left = 10_000 - written.length - written.reduce((sum, { suppressed = 0 }) => sum + suppressed, 0);
  budget.spend(60_000, (suppressed) => written.push(suppressed));
  assert.equal(written.at(-1)?.suppressed, left);
  budget.spend(60_001, (suppressed) => written.push(suppressed));
  assert.equal(written.at(-1)?.suppressed, undefined);
});
