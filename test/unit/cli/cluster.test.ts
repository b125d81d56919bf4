import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { lookAtCluster } from "../../../src/services/cluster/look-at-cluster.ts";
import { aCluster } from "../../support/clusters.ts";
import { FakeApi, type FakeRoutes } from "../../support/fake-api.ts";
import { FakeCluster } from "../../support/fake-cluster.ts";
import { FakeTerminal } from "../../support/fake-terminal.ts";

async function bench(t: TestContext, routes: FakeRoutes) {
  const directory = await mkdtemp(path.join(tmpdir(), "muster-cli-cluster-"));
  const api = new FakeApi(routes);
  await api.listenOn(path.join(directory, "muster.sock"));
  t.after(async () => {
    await api.close();
    await rm(directory, { recursive: true });
  });
  const environment = { MUSTER_DATA_DIR: directory };
  return { api, directory, screen: () => new FakeTerminal({ workingDirectory: directory, environment }) };
}

async function statusOf(change: (fake: FakeCluster) => void = () => undefined) {
  const cluster = aCluster();
  const fake = FakeCluster.complete(cluster);
  change(fake);
  return lookAtCluster(fake, { cluster, recorded: { phase: "initialised" } });
}

test("S0-09 S2-30 S4-15 the status of a healthy cluster is a table, and the exit code 0", async (t) => {
  const { screen } = await bench(t, { "GET clusters/lab/status": { body: await statusOf() } });
  const terminal = screen();
  assert.equal(await terminal.run("cluster", "status", "lab"), 0);
  assert.match(terminal.out, /^lab: healthy, 5 of 5 nodes ready\n/);
  assert.match(terminal.out, /^api +kube0 +ready +10\.20\.0\.10:6443$/m);
  assert.match(terminal.out, /^etcd +kube0 +healthy, leader +3\.6\.8, 4\.1 kB$/m);
  assert.match(terminal.out, /^node +work1 +ready +v1\.36\.3, 10\.244\.4\.0\/24$/m);
  assert.match(terminal.out, /^etcd +3 of 3\+ +1 +without a majority/m);
  assert.match(terminal.out, /^cloud-controller +- +- +not applicable/m);
});

test("a cluster with problems names them first, and the exit code is 1", async (t) => {
  const body = await statusOf((fake) => {
    fake.api.set("10.20.0.9:8443", { kind: "unreachable", reason: "refuses the connection" });
    fake.nodes = fake.nodes.filter(({ name }) => name !== "work1");
  });
  const { screen } = await bench(t, { "GET clusters/lab/status": { body } });
  const terminal = screen();
  assert.equal(await terminal.run("cluster", "status", "lab"), 1);
  const [head, first, second] = terminal.out.split("\n");
  assert.equal(head, "lab: cannot be used, 2 problems, 4 of 5 nodes ready");
  assert.equal(first, "  - the endpoint 10.20.0.9:8443 does not answer: refuses the connection");
  assert.equal(second, "  - work1 has not joined");
  const json = screen();
  assert.equal(await json.run("cluster", "status", "lab", "-o", "json"), 1);
  assert.equal((JSON.parse(json.out) as { healthy: boolean }).healthy, false);
});

test("S1-10 S2-23 a kubeconfig goes to stdout and its end to stderr, under both names of the command", async (t) => {
  const made = { text: "apiVersion: v1\n", user: "jane", groups: ["team-a"], expiresAt: 1_790_000_000_000 };
  const { api, screen } = await bench(t, { "POST clusters/lab/kubeconfig": { status: 201, body: made } });
  const words = ["lab", "--user", "jane", "--group", "team-a", "--lifetime", "8h"];
  for (const command of [["kubeconfig"], ["cluster", "kubeconfig"]]) {
    const terminal = screen();
    assert.equal(await terminal.run(...command, ...words), 0);
    assert.equal(terminal.out, "apiVersion: v1\n");
    assert.match(terminal.err, /^for jane \(team-a\), valid until 2026-/);
  }
  assert.deepEqual(api.requests[0]?.body, { user: "jane", groups: ["team-a"], lifetimeSeconds: 28_800 });
  const wrong = screen();
  assert.equal(await wrong.run("kubeconfig", "lab", "--lifetime", "soon"), 2);
});

test("S4-10 the steps of a rotation are asked for, and the next one is said", async (t) => {
  const pki = {
    cluster: "lab",
    phase: "trusting",
    advice: "reimage every machine",
    authorities: [
      {
        name: "ca",
        signs: true,
        subject: "CN=kubernetes",
        fingerprint: "AA",
        pin: "sha256:aa",
        notBefore: 0,
        notAfter: 1,
      },
    ],
  };
  const { api, screen } = await bench(t, {
    "GET clusters/lab/pki": { body: { ...pki, phase: "stable" } },
    "POST clusters/lab/pki/rotate": { body: pki },
  });
  const shown = screen();
  assert.equal(await shown.run("cluster", "pki", "lab"), 0);
  assert.match(shown.out, /^ca +yes .*sha256:aa$/m);
  assert.match(shown.err, /^stable: /);
  assert.equal(await screen().run("cluster", "pki", "lab", "rotate"), 2);
  assert.equal(await screen().run("cluster", "pki", "lab", "rotate", "trust"), 2, "nobody can be asked");
  const rotated = screen();
  assert.equal(await rotated.run("cluster", "pki", "lab", "rotate", "trust", "--yes"), 0);
  assert.match(rotated.err, /^trusting: reimage every machine/);
  assert.deepEqual(api.requests.at(-1)?.body, { step: "trust" });
});

test("S2-31 S0-17 a snapshot is written to a file that only its owner reads", async (t) => {
  const { directory, screen } = await bench(t, {
    "GET clusters/lab/backup": { body: "a database", contentType: "application/octet-stream" },
  });
  assert.equal(await screen().run("cluster", "backup", "lab", "lab.etcd"), 0);
  const file = path.join(directory, "lab.etcd");
  assert.equal(await readFile(file, "utf8"), "a database");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

const TURNS = {
  cluster: "lab",
  phase: "initialising",
  initialiser: "kube0",
  since: Date.now() - 60_000,
  addons: "not applied yet",
  machines: [
    {
      machine: "kube0",
      roles: ["control-plane"],
      state: "joining",
      turn: "init",
      since: Date.now() - 60_000,
    },
    {
      machine: "kube1",
      roles: ["control-plane"],
      state: "waiting",
      turn: "none",
      told: "wait: kube0 initialises the cluster",
      toldAt: Date.now() - 2_000,
    },
  ],
};

test("DESIGN-5.6 who holds which turn is a table with what the others were told", async (t) => {
  const { screen } = await bench(t, { "GET clusters/lab/turn": { body: TURNS } });
  const terminal = screen();
  assert.equal(await terminal.run("cluster", "turn", "lab"), 0);
  assert.match(terminal.out, /^lab: kube0 initialises it since /);
  assert.match(terminal.out, /^kube0 +control-plane +joining +init /m);
  assert.match(terminal.out, /^kube1 +control-plane +waiting +- .*wait: kube0 initialises the cluster/m);
});

test("DESIGN-5.6 the init turn is given away only by name, and only when confirmed", async (t) => {
  const { api, screen } = await bench(t, { "POST clusters/lab/give-init": { body: TURNS } });
  const words = ["cluster", "give-init", "lab", "--to", "kube1"];
  assert.equal(await screen().run(...words), 2);
  const asked = screen();
  assert.equal(await asked.run(...words, "--confirm-gone", "kube0"), 2);
  assert.match(asked.err, /--yes/);
  const done = screen();
  assert.equal(await done.run(...words, "--confirm-gone", "kube0", "--yes"), 0);
  assert.match(done.err, /kube0 has to be reimaged/);
  assert.deepEqual(
    api.requests.map(({ body }) => body),
    [{ to: "kube1", confirmGone: "kube0" }],
  );
});

test("DESIGN-5.6 a frozen cluster goes on with the etcd that a person names", async (t) => {
  const { api, screen } = await bench(t, { "POST clusters/lab/unfreeze": { body: TURNS } });
  assert.equal(await screen().run("cluster", "unfreeze", "lab", "--etcd-cluster-id", "bb", "--yes"), 0);
  assert.deepEqual(
    api.requests.map(({ body }) => body),
    [{ etcdClusterId: "bb" }],
  );
});
