import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createNunjucksTemplates } from "../../../../src/adapters/templates/nunjucks-templates.ts";
import { RenderError } from "../../../../src/domain/errors.ts";

function templates(t: TestContext, files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), "muster-templates-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "a"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, "a", name), text);
  return createNunjucksTemplates({
    root,
    directories: ["a"],
    autoescape: false,
    compile: (name) => name.endsWith(".cfg"),
  });
}

test("DESIGN-7 a value that is missing is an error that names template and line", (t) => {
  const made = templates(t, { "x.cfg": "one\ntwo\n{{ name }} {{ absent }}\n" });
  assert.throws(
    () => made.render("a/x.cfg", { name: "kube0" }),
    (error) => error instanceof RenderError && /template a\/x\.cfg, line 3/.test(error.message),
  );
});

test("DESIGN-7 a template that does not compile ends the start", (t) => {
  assert.throws(
    () => templates(t, { "x.cfg": "one\n{% if %}\n" }),
    (error) => error instanceof RenderError && /a\/x\.cfg/.test(error.message),
  );
});

test("nothing is escaped, and a source is given as it is", (t) => {
  const made = templates(t, { "x.cfg": "{{ value }}\n", "y.sh": "echo {{ not a template\n" });
  assert.equal(made.render("a/x.cfg", { value: "<&'\">" }), "<&'\">\n");
  assert.equal(made.source("a/y.sh"), "echo {{ not a template\n");
  assert.throws(() => made.source("a/z"), /no file a\/z/);
  assert.throws(() => made.render("a/y.sh", {}), /no template a\/y\.sh/);
});
