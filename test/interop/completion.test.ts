/** The completion scripts in the shells they are for. */
import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { execute, needsPrograms } from "../support/netns.ts";

const source = path.join(import.meta.dirname, "../../src/cli/muster.ts");

/** A directory with a `muster` command, to be put in front of PATH. */
async function withCommand(t: TestContext): Promise<Readonly<Record<string, string>>> {
  const directory = await mkdtemp(path.join(tmpdir(), "muster-completion-"));
  t.after(() => rm(directory, { recursive: true }));
  const command = path.join(directory, "muster");
  await writeFile(command, `#!/bin/sh\nexec ${process.execPath} ${source} "$@"\n`);
  await chmod(command, 0o755);
  return { PATH: `${directory}:${process.env["PATH"] ?? ""}`, MUSTER_DATA_DIR: directory };
}

test("bash completes words and falls back to files", async (t) => {
  if (needsPrograms(t, "bash")) return;
  const script = `source <(muster completion bash)
complete -p muster
COMP_WORDS=(muster get le); COMP_CWORD=2; _muster; echo "\${COMPREPLY[@]}"
COMP_WORDS=(muster assets ""); COMP_CWORD=2; _muster; echo "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await execute("bash", ["-c", script], { env: await withCommand(t) });
  assert.deepEqual(
    stdout.split("\n"),
    ["complete -o default -F _muster muster", "leases", "pull list verify", ""],
    stderr,
  );
});

test("zsh loads the script and completes a word", async (t) => {
  if (needsPrograms(t, "zsh")) return;
  const script = `autoload -U compinit && compinit -D -u
eval "$(muster completion zsh)"
print \${_comps[muster]}
compadd() { print -l -- "\${(@P)2}" }
words=(muster get le); CURRENT=3; _muster`;
  const { stdout, stderr } = await execute("zsh", ["-f", "-c", script], { env: await withCommand(t) });
  assert.equal(stdout, "_muster\nleases\n", stderr);
});

test("fish completes words", async (t) => {
  if (needsPrograms(t, "fish")) return;
  const script = `muster completion fish | source; complete -C "muster get le"; complete -C "muster boot kube0 re"`;
  const { stdout, stderr } = await execute("fish", ["--no-config", "-c", script], {
    env: await withCommand(t),
  });
  assert.equal(stdout, "leases\nrescue\n", stderr);
});
