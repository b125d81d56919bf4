import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { LifecycleRule } from "../../../src/domain/lifecycle-rule.ts";
import { LIFECYCLE_TABLE } from "../../../src/domain/lifecycle-table.ts";
import { LIFECYCLE_STATES } from "../../../src/domain/machine.ts";

const DOCUMENT = readFileSync(new URL("../../../docs/lifecycle.md", import.meta.url), "utf8");

function line({ from, event, to, note = "" }: LifecycleRule): string {
  const states =
    from.length === LIFECYCLE_STATES.length
      ? "any"
      : from.length === LIFECYCLE_STATES.length - 1 && !from.includes("retired")
        ? "any but retired"
        : from.join(", ");
  const target = to === "same" ? "(stays)" : to === "where-it-failed" ? "where it was" : to;
  return `| ${states} | ${event} | ${target} | ${note} |`;
}

test("DESIGN-3.6 docs/lifecycle.md holds exactly the rules of the table, in their order", () => {
  const section = DOCUMENT.split("## The table")[1]?.split("\n## ")[0] ?? "";
  const rules = section.split("\n").filter((each) => each.startsWith("| ") && !each.startsWith("| from "));
  assert.deepEqual(rules, LIFECYCLE_TABLE.map(line));
});

test("DESIGN-3.6 docs/lifecycle.md names every state", () => {
  for (const state of LIFECYCLE_STATES) assert.ok(DOCUMENT.includes(`\`${state}\``), state);
});
