import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { shellAssignments, shellQuote, writeFilesScript } from "../../../../src/domain/install/shell.ts";

const printable = fc.string({
  unit: fc.constantFrom(...Array.from("aB1 '\"\\$`!#&|;<>(){}[]*?~%\n\té–")),
  maxLength: 40,
});

test("shellQuote: a shell reads back exactly what was quoted", () => {
  const texts = fc.sample(printable, { numRuns: 60, seed: 7 });
  const script = texts.map((text) => `printf '%s\\036' ${shellQuote(text)}\n`).join("");
  const run = spawnSync("sh", { input: script, encoding: "utf8" });
  assert.deepEqual(run.stdout.split("\x1e").slice(0, -1), texts);
});

test("shellAssignments: values of several lines survive", () => {
  const script = `${shellAssignments({ A: "one\ntwo 'three'", B: 7 })}printf '%s|%s' "$A" "$B"`;
  assert.equal(spawnSync("sh", { input: script, encoding: "utf8" }).stdout, "one\ntwo 'three'|7");
});

test("writeFilesScript writes every file with its mode and content, whatever the content is", (t) => {
  const root = mkdtempSync(join(tmpdir(), "muster-files-"));
  t.after(() => rmSync(root, { recursive: true }));
  const nasty = "$HOME `id` \\ 'quoted'\nMUSTER_END_OF_FILE\nlast line without an end";
  const script = writeFilesScript([
    { path: "/etc/deep/er/one", mode: "0600", content: nasty },
    { path: "/two words", mode: "0755", content: "x\n" },
    { path: "/empty", mode: "0644", content: "" },
  ]);
  const run = spawnSync("sh", ["-e"], {
    input: script,
    env: { ...process.env, ROOT: root },
    encoding: "utf8",
  });
  assert.equal(run.stderr, "");
  assert.equal(readFileSync(join(root, "etc/deep/er/one"), "utf8"), `${nasty}\n`);
  assert.equal(statSync(join(root, "etc/deep/er/one")).mode & 0o777, 0o600);
  assert.equal(statSync(join(root, "two words")).mode & 0o777, 0o755);
  assert.equal(readFileSync(join(root, "empty"), "utf8"), "");
});
