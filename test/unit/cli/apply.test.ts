import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { FakeApi, type FakeRoutes } from "../../support/fake-api.ts";
import { FakeTerminal } from "../../support/fake-terminal.ts";

const MACHINE = {
  name: "kube0",
  action: "register",
  changes: [],
  serves: "the installer: the machine is registered",
  installs: "Debian 13 (amd64) on the only disk",
  wipes: "nothing: it stops unless its install disk is blank",
  joins: "lab as control-plane at 10.20.0.10",
};
const PLAN = {
  applied: true,
  resources: [
    {
      kind: "Cluster",
      name: "lab",
      action: "change",
      changes: [{ path: "apiPort", before: 6443, after: 6444 }],
    },
    { kind: "Profile", name: "rack", action: "unchanged", changes: [] },
  ],
  machines: [
    MACHINE,
    { ...MACHINE, name: "kube1", action: "unchanged", state: "registered", now: MACHINE },
    {
      ...MACHINE,
      name: "kube2",
      action: "unchanged",
      state: "ready",
      payload: ["changes /etc/hosts", "adds package lvm2"],
    },
    {
      ...MACHINE,
      name: "kube4",
      action: "unchanged",
      state: "ready",
      payload: ["changes /etc/hosts", "adds package lvm2"],
    },
    {
      ...MACHINE,
      name: "kube3",
      action: "forget",
      state: "registered",
      joins: "-",
      now: MACHINE,
    },
  ],
  warnings: [
    { path: "Cluster lab", message: "no machine belongs to it", file: "a.yaml", line: 3, column: 1 },
  ],
};

async function bench(t: TestContext, routes: FakeRoutes) {
  const directory = await mkdtemp(path.join(tmpdir(), "muster-apply-"));
  const api = new FakeApi(routes);
  await api.listenOn(path.join(directory, "muster.sock"));
  t.after(async () => {
    await api.close();
    await rm(directory, { recursive: true });
  });
  const environment = { MUSTER_DATA_DIR: directory };
  const terminal = (input = "") => new FakeTerminal({ workingDirectory: directory, environment, input });
  return { api, directory, terminal };
}

test("DESIGN-3.1 apply sends every file under its name and tells what changed, not what did not", async (t) => {
  const { api, directory, terminal } = await bench(t, { "POST apply": { body: PLAN } });
  await writeFile(path.join(directory, "a.yaml"), "one");
  await mkdir(path.join(directory, "rack"));
  for (const name of ["z.yml", "b.yaml", "notes.txt"])
    await writeFile(path.join(directory, "rack", name), name);
  const screen = terminal();
  assert.equal(await screen.run("apply", "-f", "a.yaml", "rack"), 0);
  assert.deepEqual(api.requests[0]?.body, {
    files: [
      { name: "a.yaml", text: "one" },
      { name: "rack/b.yaml", text: "b.yaml" },
      { name: "rack/z.yml", text: "z.yml" },
    ],
    dryRun: false,
  });
  assert.equal(
    screen.out,
    [
      "Cluster lab: changed",
      "    apiPort: 6443 → 6444",
      "machine kube0: new",
      "    next boot  the installer: the machine is registered",
      "    installs   Debian 13 (amd64) on the only disk",
      "    wipes      nothing: it stops unless its install disk is blank",
      "    joins      lab as control-plane at 10.20.0.10",
      "machine kube3: forgotten, now registered",
      "    next boot  the installer: the machine is registered",
      "    installs   Debian 13 (amd64) on the only disk",
      "    wipes      nothing: it stops unless its install disk is blank",
      "    joins      lab as control-plane at 10.20.0.10 → -",
      "kube2, kube4: unchanged, but given something else",
      "    node       changes /etc/hosts",
      "               adds package lvm2",
      "1 document, 2 machines (1 new, 1 forgotten)",
      "",
    ].join("\n"),
  );
  assert.match(screen.err, /warning: a\.yaml:3:1: Cluster lab: no machine belongs to it/);
  assert.match(screen.err, /power the machines on/);
});

test("DESIGN-3.1 plan and --dry-run ask for nothing to be done", async (t) => {
  const { api, directory, terminal } = await bench(t, {
    "POST apply": { body: { ...PLAN, applied: false } },
  });
  await writeFile(path.join(directory, "a.yaml"), "one");
  await terminal().run("plan", "-f", "a.yaml");
  await terminal().run("apply", "-f", "a.yaml", "--dry-run");
  assert.deepEqual(
    api.requests.map(({ body }) => (body as { dryRun: boolean }).dryRun),
    [true, true],
  );
});

test("DESIGN-7 faults are told with their places, and the exit code says that the documents are wrong", async (t) => {
  const faults = [
    { path: "Cluster lab, network.podCDIR", message: "unknown key", file: "a.yaml", line: 6, column: 14 },
    { path: "Machine x, mac", message: "is required", file: "a.yaml", line: 9, column: 1 },
  ];
  const body = { code: "bad-config", detail: "the documents have 2 faults; nothing was changed", faults };
  const { directory, terminal } = await bench(t, { "POST apply": { status: 422, body } });
  await writeFile(path.join(directory, "a.yaml"), "one");
  const screen = terminal();
  assert.equal(await screen.run("apply", "-f", "a.yaml"), 78);
  assert.match(screen.err, /the documents have 2 faults; nothing was changed\n/);
  assert.match(screen.err, /^ {2}a\.yaml:6:14: Cluster lab, network\.podCDIR: unknown key$/m);
  assert.match(screen.err, /^ {2}a\.yaml:9:1: Machine x, mac: is required$/m);
});

test("DESIGN-7 a file that is not there, or a directory without documents, is wrong usage", async (t) => {
  const { directory, terminal } = await bench(t, {});
  await mkdir(path.join(directory, "empty"));
  const missing = terminal();
  assert.equal(await missing.run("apply", "-f", "none.yaml"), 2);
  assert.match(missing.err, /cannot read none\.yaml/);
  const empty = terminal();
  assert.equal(await empty.run("plan", "-f", "empty"), 2);
  assert.match(empty.err, /empty holds no \.yaml files/);
  await writeFile(path.join(directory, "bare.yaml"), "# only a remark\n---\n\n");
  const bare = terminal();
  assert.equal(await bare.run("apply", "-f", "bare.yaml"), 2);
  assert.match(bare.err, /bare\.yaml: no document in it/);
});

test("DESIGN-3.1 standard input is a file like others", async (t) => {
  const { api, terminal } = await bench(t, {
    "POST apply": { body: { ...PLAN, resources: [], machines: [] } },
  });
  const screen = terminal("one two");
  assert.equal(await screen.run("apply", "-f", "-"), 0);
  assert.deepEqual((api.requests[0]?.body as { files: object[] }).files, [
    { name: "standard input", text: "one two" },
  ]);
  assert.match(screen.err, /nothing changed: it is all so already/);
});

test("DESIGN-3.1 nothing is deleted without being asked for, or --yes", async (t) => {
  const plan = {
    ...PLAN,
    machines: [],
    resources: [{ kind: "Cluster", name: "lab", action: "delete", changes: [] }],
  };
  const { api, terminal } = await bench(t, { "DELETE resources/cluster/lab": { body: plan } });
  assert.equal(await terminal().run("delete", "cluster", "lab"), 2);
  assert.equal(api.requests.length, 0);
  const screen = terminal();
  assert.equal(await screen.run("delete", "cluster", "lab", "--yes"), 0);
  assert.equal(screen.out, "Cluster lab: deleted\n1 document\n");
});
