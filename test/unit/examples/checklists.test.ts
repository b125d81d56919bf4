/** The READMEs of the examples walk every line of their seed's checklist, and what they name exists. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { resourceFields } from "../../support/resource-reference.ts";

const ROOT = path.join(import.meta.dirname, "../../..");
const SEEDS = [
  { prefix: "S0", lines: 22, example: "production-grade" },
  { prefix: "S1", lines: 39, example: "on-the-cheap" },
  { prefix: "S2", lines: 34, example: "debian-ha" },
  { prefix: "S3", lines: 23, example: "molly" },
  { prefix: "S4", lines: 25, example: "hard-way" },
] as const;

interface Row {
  readonly id: string;
  readonly answer: string;
  readonly tests: readonly string[];
}

function rowsOf(example: string): readonly Row[] {
  const text = readFileSync(path.join(ROOT, "examples", example, "README.md"), "utf8");
  return [...text.matchAll(/^\| (S\d-\d\d) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, id = "", answer = "", shown = ""]) => ({
      id,
      answer,
      tests: [...shown.matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file),
    }),
  );
}

const FIELDS = new Set([...resourceFields().values()].flat().map(({ path: field }) => field));

for (const { prefix, lines, example } of SEEDS) {
  test(`DESIGN-8 examples/${example} answers every line of its checklist, once`, () => {
    assert.deepEqual(
      rowsOf(example).map(({ id }) => id),
      Array.from({ length: lines }, (_, index) => `${prefix}-${String(index + 1).padStart(2, "0")}`),
    );
  });

  test(`DESIGN-8 examples/${example}: a line is shown by a test, or says why it is not here`, () => {
    const bare = rowsOf(example).filter(
      ({ answer, tests }) => tests.length === 0 && !answer.startsWith("Not here"),
    );
    assert.deepEqual(bare, []);
  });

  test(`DESIGN-8 examples/${example} names tests and fields that exist`, () => {
    for (const { id, answer, tests } of rowsOf(example)) {
      for (const file of tests) {
        assert.ok(existsSync(path.join(ROOT, file)), `${id}: there is no ${file}`);
        if (!file.startsWith("test/unit/examples/")) continue;
        assert.match(readFileSync(path.join(ROOT, file), "utf8"), new RegExp(`\\b${id}\\b`));
      }
      const named = [...answer.matchAll(/`([a-z][A-Za-z]*(?:\[\])?(?:\.[A-Za-z]+(?:\[\])?)*)`/g)];
      for (const [, field = ""] of named) assert.ok(FIELDS.has(field), `${id}: there is no field ${field}`);
    }
  });
}
