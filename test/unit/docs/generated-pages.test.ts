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
    'await t.test("S2-24 S4-20 a service answers", run);',
    'test("S1-01, DESIGN-5.6 in turns, as in S3-15", run);',
  ].join("\n");
  assert.deepEqual([...idsIn(source)], ["D-34", "D-36", "T-01", "H-05", "S2-24", "S4-20", "S1-01"]);
});

test("the README of every example walks through all of its lines, to tests that name them or to a reason", () => {
  const { requirements, notHere } = readRequirements();
  const covered = coverage();
  const seeds = ["production-grade", "on-the-cheap", "debian-ha", "molly", "hard-way"];
  for (const [index, seed] of seeds.entries()) {
    const page = readFileSync(path.join(docs, `../examples/${seed}/README.md`), "utf8");
    const rows = page.split("\n").filter((line) => /^\| S\d-\d{2} /.test(line));
    const ids = rows.map((row) => row.slice(2, 7));
    const wanted = Object.keys(requirements).filter((id) => id.startsWith(`S${index}-`));
    assert.deepEqual(ids, wanted, seed);
    for (const [at, row] of rows.entries()) {
      const id = ids[at] ?? "";
      const files = [...row.matchAll(/`(test\/[^`]+\.test\.ts)`/g)].map(([, file]) => file ?? "");
      if (notHere[id] !== undefined) {
        assert.match(row, /\| Not here.*\| – \|$/, row);
        continue;
      }
      assert.ok(
        files.some((file) => covered.get(id)?.includes(file)),
        `no test of this row has its ID at the start of a name: ${row}`,
      );
      for (const file of files) {
        const text = readFileSync(path.join(docs, "..", file), "utf8");
        assert.ok(text.includes(id), `${file} does not name ${id}`);
      }
    }
  }
});
