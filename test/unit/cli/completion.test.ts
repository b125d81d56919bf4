import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { FakeApi } from "../../support/fake-api.ts";
import { FakeTerminal } from "../../support/fake-terminal.ts";

function candidates(...words: readonly string[]): Promise<readonly string[]> {
  return candidatesAt("/nonexistent", words);
}

async function candidatesAt(dataDir: string, words: readonly string[]): Promise<readonly string[]> {
  const terminal = new FakeTerminal({ environment: { MUSTER_DATA_DIR: dataDir } });
  assert.equal(await terminal.run("complete", "--", ...words), 0);
  assert.equal(terminal.err, "");
  return terminal.out.split("\n").filter((line) => line !== "");
}

test("commands, subcommands, kinds and choices are completed by their beginning", async () => {
  assert.deepEqual(await candidates("re"), ["register", "retry", "reimage", "retire", "render", "restore"]);
  assert.deepEqual(await candidates("config", ""), ["check", "show"]);
  assert.deepEqual(await candidates("get", "m"), ["machines"]);
  assert.deepEqual(await candidates("get", "p"), ["profiles"]);
  assert.deepEqual(await candidates("completion", ""), ["bash", "zsh", "fish"]);
  assert.deepEqual(await candidates("boot", "kube0", "r"), ["rescue"]);
});

test("options and the values they choose from are completed", async () => {
  assert.deepEqual(await candidates("get", "machines", "--st"), ["--state"]);
  assert.deepEqual(await candidates("get", "-o", ""), ["table", "json", "yaml"]);
  assert.deepEqual(await candidates("-o", "json", "token", "create", "--role", "o"), ["operator"]);
});

test("without an appliance there are no names to complete, and no noise", async () => {
  assert.deepEqual(await candidates("diagnose", ""), []);
  assert.deepEqual(await candidates("kubeconfig", ""), []);
});

test("names of machines, clusters and profiles are completed where they are meant", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "muster-completion-"));
  const named = (...names: readonly string[]) => ({ body: { items: names.map((name) => ({ name })) } });
  const api = new FakeApi({
    "GET machines": named("kube0", "kube1"),
    "GET clusters": named("lab", "prod"),
    "GET profiles": named("gpu"),
  });
  await api.listenOn(path.join(directory, "muster.sock"));
  t.after(async () => {
    await api.close();
    await rm(directory, { recursive: true });
  });
  for (const [line, expected] of [
    ["diagnose ", ["kube0", "kube1"]],
    ["reimage kube0 ", ["kube0", "kube1"]],
    ["kubeconfig ", ["lab", "prod"]],
    ["cluster status p", ["prod"]],
    ["cluster give-init lab --to kube1", ["kube1"]],
    ["cluster backup lab ", []],
    ["get clusters ", ["lab", "prod"]],
    ["get profile ", ["gpu"]],
    ["get leases ", []],
    ["delete cluster l", ["lab"]],
    ["describe ", ["cluster", "profile", "machine", "kube0", "kube1"]],
    ["describe profile ", ["gpu"]],
    ["register --cluster ", ["lab", "prod"]],
    ["events -m ", ["kube0", "kube1"]],
    ["token create ", []],
    ["assets pull ", []],
  ] as const) {
    assert.deepEqual(await candidatesAt(directory, line.split(" ")), expected, line);
  }
});

test("what is for the scripts alone is not offered", async () => {
  assert.ok(!(await candidates("")).includes("complete"));
});
