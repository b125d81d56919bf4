import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTerminal } from "../../support/fake-terminal.ts";

async function candidates(...words: readonly string[]): Promise<readonly string[]> {
  const terminal = new FakeTerminal({ environment: { MUSTER_DATA_DIR: "/nonexistent" } });
  assert.equal(await terminal.run("complete", "--", ...words), 0);
  assert.equal(terminal.err, "");
  return terminal.out.split("\n").filter((line) => line !== "");
}

test("commands, subcommands, kinds and choices are completed by their beginning", async () => {
  assert.deepEqual(await candidates("re"), ["register", "retry", "reimage", "retire", "render", "restore"]);
  assert.deepEqual(await candidates("config", ""), ["check", "show"]);
  assert.deepEqual(await candidates("get", "m"), ["machines"]);
  assert.deepEqual(await candidates("completion", ""), ["bash", "zsh", "fish"]);
  assert.deepEqual(await candidates("boot", "kube0", "r"), ["rescue"]);
});

test("options and the values they choose from are completed", async () => {
  assert.deepEqual(await candidates("get", "machines", "--st"), ["--state"]);
  assert.deepEqual(await candidates("get", "-o", ""), ["table", "json", "yaml"]);
  assert.deepEqual(await candidates("-o", "json", "token", "create", "--role", "o"), ["operator"]);
});

test("without an appliance there are no names to complete, and no noise", async () => {
  assert.deepEqual(await candidates("describe", ""), []);
});

test("what is for the scripts alone is not offered", async () => {
  assert.ok(!(await candidates("")).includes("complete"));
});
