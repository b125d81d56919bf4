import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { cliPage } from "../../support/cli-reference.ts";
import { configPage } from "../../support/config-reference.ts";
import { coverage, gaps, idsIn, readRequirements, requirementsPage } from "../../support/requirements.ts";
import { resourceFields, resourcesPage } from "../../support/resource-reference.ts";

const docs = path.join(import.meta.dirname, "../../../docs");
const stale = (name: string): string => `docs/${name} is stale: run node test/support/write-docs.ts`;

test("docs/config.md is what the schema says", () => {
  assert.equal(readFileSync(path.join(docs, "config.md"), "utf8"), configPage(), stale("config.md"));
});

test("every setting is described", () => {
  const undescribed = configPage()
    .split("\n")
    .filter((line) => /^\| `[^[]+` .*\|\s+\|$/.test(line));
  assert.deepEqual(undescribed, []);
});

test("docs/cli.md is what the commands say", () => {
  assert.equal(readFileSync(path.join(docs, "cli.md"), "utf8"), cliPage(), stale("cli.md"));
});

test("docs/resources.md is what the schemas of the documents say", () => {
  assert.equal(readFileSync(path.join(docs, "resources.md"), "utf8"), resourcesPage(), stale("resources.md"));
});

test("every field of a document is described", () => {
  const fields = [...resourceFields().values()].flat();
  assert.deepEqual(
    fields.filter(({ meaning }) => meaning === "").map(({ path: field }) => field),
    [],
  );
});

test("docs/requirements.md is what the tests' names say", () => {
  const page = requirementsPage(readRequirements(), coverage());
  assert.equal(readFileSync(path.join(docs, "requirements.md"), "utf8"), page, stale("requirements.md"));
});

test("no requirement is silently missing, and no test names one that does not exist", () => {
  assert.deepEqual(gaps(readRequirements(), coverage()), { missing: [], undefined: [] });
});

test("requirement IDs are read from the start of test names only", () => {
  const source = [
    'test("D-34, D-36 acknowledged", () => {});',
    "it(`T-01 a plain request`, () => {});",
    'test("an answer as in D-99", () => {});',
    '{ name: "H-05 kept open" },',
  ].join("\n");
  assert.deepEqual([...idsIn(source)], ["D-34", "D-36", "T-01", "H-05"]);
});
