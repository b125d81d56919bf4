import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { FakeApi, type FakeRoutes } from "../../support/fake-api.ts";
import { FakeTerminal, type FakeTerminalOptions } from "../../support/fake-terminal.ts";
import { aMachine, anInstalledMachine } from "../../support/machines.ts";

interface Bench {
  readonly api: FakeApi;
  readonly directory: string;
  readonly terminal: (options?: FakeTerminalOptions) => FakeTerminal;
}

/** An appliance on this host: its socket lies in the data directory that the defaults name. */
async function bench(t: TestContext, routes: FakeRoutes): Promise<Bench> {
  const directory = await mkdtemp(path.join(tmpdir(), "muster-cli-"));
  const api = new FakeApi(routes);
  await api.listenOn(path.join(directory, "muster.sock"));
  t.after(async () => {
    await api.close();
    await rm(directory, { recursive: true });
  });
  const environment = { MUSTER_DATA_DIR: directory };
  return {
    api,
    directory,
    terminal: (options) => new FakeTerminal({ workingDirectory: directory, environment, ...options }),
  };
}

const view = (machine = aMachine()) => ({ ...machine, mac: machine.spec.mac, progress: 0 });
const list = (...items: readonly unknown[]) => ({ body: { items } });

test("on the appliance's own host nothing needs to be set up", async (t) => {
  const { terminal } = await bench(t, {
    "GET machines": list(view(), view(anInstalledMachine({ name: "db0" }))),
  });
  const screen = terminal();
  assert.equal(await screen.run("get", "machines"), 0);
  const [head, first, second] = screen.out.split("\n");
  assert.match(head ?? "", /^NAME +STATE +STAGE +GEN +MAC/);
  assert.match(first ?? "", /^kube0 +registered +- +0 +52:54:00:12:34:01/);
  assert.match(second ?? "", /^db0 +installed +- +1/);
  assert.equal(screen.err, "");
});

test("data is the same in every format, and messages are never among it", async (t) => {
  const { terminal } = await bench(t, { "GET machines": list(view()), "GET leases": list() });
  const json = terminal();
  await json.run("get", "machines", "-o", "json");
  const yaml = terminal();
  await yaml.run("-o", "yaml", "get", "machines");
  assert.deepEqual(JSON.parse(json.out), parse(yaml.out));
  const empty = terminal();
  assert.equal(await empty.run("get", "leases"), 0);
  assert.deepEqual([empty.out, empty.err], ["", "no leases\n"]);
  const emptyJson = terminal();
  await emptyJson.run("get", "leases", "-o", "json");
  assert.equal(emptyJson.out, "[]\n");
  const quiet = terminal();
  await quiet.run("get", "leases", "-q");
  assert.equal(quiet.err, "");
});

test("without an appliance the exit code is 1 and the message says how to start it", async () => {
  const screen = new FakeTerminal({ environment: { MUSTER_DATA_DIR: "/nonexistent" } });
  assert.equal(await screen.run("get", "machines"), 1);
  assert.match(
    screen.err,
    /^muster: the appliance is not running on this host: there is no \/nonexistent\/muster\.sock\nhint: start it with `muster serve`/,
  );
});

test("usage errors exit with 2 and say what was probably meant", async () => {
  for (const [words, said] of [
    [["gett"], /unknown command 'gett'[^]*Did you mean get\?/],
    [["get", "machinez"], /"machinez" cannot be listed; known are machines, clusters/],
    [["get"], /missing required argument 'kind'/],
    [["boot", "kube0", "usb"], /Allowed choices are local, rescue, install, normal/],
    [["get", "machines", "-o", "xml"], /Allowed choices are table, json, yaml/],
    [["get", "machines", "--url", "10.0.0.2"], /"10.0.0.2" is no address of an appliance/],
    [["token", "create", "ci", "--expires", "soon"], /--expires soon: write it like 12h/],
  ] as const) {
    const screen = new FakeTerminal();
    assert.equal(await screen.run(...words), 2, words.join(" "));
    assert.match(screen.err, said);
    assert.equal(screen.out, "");
  }
});

test("a wrong configuration exits with 78 and every fault", async (t) => {
  const { directory, terminal } = await bench(t, {});
  await writeFile(path.join(directory, "muster.yaml"), "dhcp: { mode: srver }\nhtpp: {}\n");
  const screen = terminal();
  assert.equal(await screen.run("config", "check"), 78);
  assert.match(screen.err, /muster\.yaml:1:9: dhcp\.mode: .* did you mean "server"\?/);
  assert.match(screen.err, /muster\.yaml:2:1: htpp: unknown key; did you mean "http"\?/);
  const asData = terminal();
  assert.equal(await asData.run("config", "check", "-o", "json"), 78);
  assert.equal((JSON.parse(asData.out) as { faults: unknown[] }).faults.length, 2);
});

test("config show prints the effective configuration and where each value comes from, secrets masked", async (t) => {
  const { directory, terminal } = await bench(t, {});
  await writeFile(
    path.join(directory, "muster.yaml"),
    "mirrors: { debian: { password: hunter2 } }\nhttp: { port: 81 }\n",
  );
  const shown = terminal();
  assert.equal(await shown.run("config", "show"), 0);
  assert.equal((parse(shown.out) as { http: { port: number } }).http.port, 81);
  const origins = terminal();
  await origins.run("config", "show", "--origins");
  assert.match(origins.out, /^http\.port +81 +muster\.yaml:2:9$/m);
  assert.match(origins.out, /^dataDir +"[^"]+" +environment MUSTER_DATA_DIR$/m);
  assert.match(origins.out, /^dhcp\.mode +"proxy" +default$/m);
  assert.ok(!`${shown.out}${origins.out}${shown.err}`.includes("hunter2"));
});

test("a problem of the API is told with its faults and hint", async (t) => {
  const body = {
    code: "invalid",
    detail: "os: expected debian-12 or debian-13",
    faults: [
      { path: "os", message: "expected debian-12 or debian-13" },
      { path: "adress", message: 'unknown key "adress"; did you mean "address"?' },
    ],
    hint: "docs/install.md",
  };
  const { terminal } = await bench(t, { "POST machines": { status: 422, body } });
  const screen = terminal();
  assert.equal(await screen.run("register", "52:54:00:12:34:01", "--os", "debian-99"), 1);
  assert.equal(
    screen.err,
    'muster: os: expected debian-12 or debian-13\n  os: expected debian-12 or debian-13\n  adress: unknown key "adress"; did you mean "address"?\nhint: docs/install.md\n',
  );
});

test("register sends the spec's fields flat beside the name", async (t) => {
  const { api, directory, terminal } = await bench(t, { "POST machines": { status: 201, body: view() } });
  await writeFile(path.join(directory, "id.pub"), "ssh-ed25519 AAAA ops@desk\n");
  const words = "--name kube0 --os debian-13 --layout lvm --disk serial=S1,rotational=false --ssh-key id.pub";
  const screen = terminal();
  const code = await screen.run(
    "register",
    "52:54:00:12:34:01",
    ...words.split(" "),
    "--set",
    "timezone=Europe/Berlin",
    "--wipe",
  );
  assert.equal(code, 0, screen.err);
  assert.deepEqual(api.requests[0]?.body, {
    mac: "52:54:00:12:34:01",
    name: "kube0",
    os: "debian-13",
    install: { disk: { serial: "S1", rotational: false }, layout: "lvm", wipe: true },
    access: { sshKeys: ["ssh-ed25519 AAAA ops@desk"] },
    timezone: "Europe/Berlin",
  });
});

test("a spec comes from a file or stdin too; options win over it", async (t) => {
  const { api, terminal } = await bench(t, { "POST machines": { status: 201, body: view() } });
  const input = "mac: 52:54:00:12:34:07\nname: a\ninstall: { layout: raid1, wipe: true }\n";
  assert.equal(await terminal({ input }).run("register", "--spec", "-", "--name", "b", "--layout", "lvm"), 0);
  assert.deepEqual(api.requests[0]?.body, {
    mac: "52:54:00:12:34:07",
    name: "b",
    install: { layout: "lvm", wipe: true },
  });
});

test("a CSV registers a rack; a line that is refused does not stop the others", async (t) => {
  const refused = {
    status: 409,
    body: { code: "conflict", detail: "52:54:00:00:00:02 belongs to db0 already" },
  };
  const { api, directory, terminal } = await bench(t, {
    "POST machines": (request) =>
      (request.body as { mac: string }).mac.endsWith("02") ? refused : { status: 201, body: view() },
  });
  const csv =
    'mac,name,install.layout\n52:54:00:00:00:01,kube1,lvm\n# spare\n52:54:00:00:00:02,"kube2",\n52:54:00:00:00:03,kube3,\n';
  await writeFile(path.join(directory, "rack.csv"), csv);
  const screen = terminal();
  assert.equal(await screen.run("register", "--csv", "rack.csv", "--os", "debian-12"), 1);
  assert.deepEqual(
    api.requests.map((request) => request.body),
    [
      { mac: "52:54:00:00:00:01", name: "kube1", os: "debian-12", install: { layout: "lvm" } },
      { mac: "52:54:00:00:00:02", name: "kube2", os: "debian-12" },
      { mac: "52:54:00:00:00:03", name: "kube3", os: "debian-12" },
    ],
  );
  assert.match(screen.err, /belongs to db0 already[^]*2 of 3 machines registered/);
});

test("what loses data asks on a terminal, and needs --yes without one", async (t) => {
  const { api, terminal } = await bench(t, { "POST machines/kube0/reimage": { body: view() } });
  assert.equal(await terminal().run("reimage", "kube0"), 2);
  assert.equal(await terminal({ isTTY: true, input: "n\n" }).run("reimage", "kube0"), 130);
  assert.equal(api.requests.length, 0);
  assert.equal(await terminal({ isTTY: true, input: "yes\n" }).run("reimage", "kube0"), 0);
  assert.equal(await terminal().run("reimage", "kube0", "--yes", "--force"), 0);
  assert.deepEqual(
    api.requests.map((request) => request.body),
    [{ force: false }, { force: true }],
  );
});

test("reimage --wait tells each step once and ends when the machine is installed", async (t) => {
  const at = (stage: string) => ({ body: view(aMachine({ state: "installing", stage, generation: 2 })) });
  const { terminal } = await bench(t, {
    "POST machines/kube0/reimage": { body: view(aMachine({ generation: 2 })) },
    "GET machines/kube0": [at("partitioning"), { body: view(anInstalledMachine({ generation: 2 })) }],
  });
  const screen = terminal();
  assert.equal(await screen.run("reimage", "kube0", "--yes", "--wait"), 0);
  assert.match(screen.err, /installing, partitioning\nkube0: installed\n$/);
});

test("reimage --wait fails with the machine's own reason", async (t) => {
  const failure = {
    reason: "foreign data on /dev/sda: LVM",
    from: "installing" as const,
    at: 1,
    cause: "reported" as const,
  };
  const { terminal } = await bench(t, {
    "POST machines/kube0/reimage": { body: view() },
    "GET machines/kube0": { body: view(aMachine({ state: "failed", failure })) },
  });
  const screen = terminal();
  assert.equal(await screen.run("reimage", "kube0", "--yes", "--wait"), 1);
  assert.match(screen.err, /muster: kube0: foreign data on \/dev\/sda: LVM\n$/);
});

test("one machine that fails among several does not stop the others, and fails the command", async (t) => {
  const { terminal } = await bench(t, {
    "POST machines/kube0/retry": {
      status: 409,
      body: { code: "not-permitted-now", detail: "kube0 is installed" },
    },
    "POST machines/kube1/retry": { body: view() },
  });
  const screen = terminal();
  assert.equal(await screen.run("retry", "kube0", "kube1"), 1);
  assert.match(screen.err, /muster: kube0 is installed\nkube1: registered again/);
});

test("boot sends the target, and normal takes it back", async (t) => {
  const { api, terminal } = await bench(t, { "POST machines/kube0/boot": { body: view() } });
  await terminal().run("boot", "kube0", "rescue");
  await terminal().run("boot", "kube0", "normal");
  assert.deepEqual(
    api.requests.map((request) => request.body),
    [{ target: "rescue" }, { target: null }],
  );
});

test("a new token is the only thing on stdout", async (t) => {
  const made = { id: "4f2a", name: "ci", role: "operator", createdAt: 1, token: "muster_4f2a_secret" };
  const { api, terminal } = await bench(t, { "POST tokens": { status: 201, body: made } });
  const screen = terminal();
  assert.equal(await screen.run("token", "create", "ci", "--role", "operator", "--expires", "30d"), 0);
  assert.equal(screen.out, "muster_4f2a_secret\n");
  assert.deepEqual(api.requests[0]?.body, { name: "ci", role: "operator", expiresInSeconds: 2_592_000 });
});

test("text from the network cannot drive the terminal", async (t) => {
  const sighting = {
    mac: "52:54:00:00:00:09",
    vendorClass: "PXE\u001b]0;owned\u0007",
    firstSeenAt: 1,
    lastSeenAt: 2,
    count: 1,
  };
  const { terminal } = await bench(t, { "GET unknown": list(sighting) });
  const screen = terminal();
  await screen.run("get", "unknown");
  assert.match(screen.out, /PXE\\x1b\]0;owned\\x07/);
  assert.ok(!screen.out.includes("\u001b"));
});

test("colours appear on a terminal only, and not against NO_COLOR", async (t) => {
  const { directory, terminal } = await bench(t, { "GET machines": list(view(anInstalledMachine())) });
  const runs = [
    [terminal({ isTTY: true }), [], true],
    [terminal(), [], false],
    [terminal({ isTTY: true }), ["--no-color"], false],
    [terminal({ isTTY: true, environment: { MUSTER_DATA_DIR: directory, NO_COLOR: "1" } }), [], false],
  ] as const;
  for (const [screen, options, coloured] of runs) {
    await screen.run("get", "machines", ...options);
    assert.equal(screen.out.includes("\u001b["), coloured);
  }
});

test("events are followed from the last one shown until the user interrupts", async (t) => {
  const event = (id: number) => ({
    id,
    at: 1,
    type: "lifecycle",
    source: "installer",
    level: "info",
    message: `step ${id}`,
    machine: "kube0",
  });
  const stream = `id: 5\ndata: ${JSON.stringify(event(5))}\n\n`;
  const { api, terminal } = await bench(t, {
    "GET events": (request) =>
      request.path.includes("follow=1") ? { body: stream, contentType: "text/event-stream" } : list(event(4)),
  });
  const screen = terminal();
  const running = screen.run("events", "-m", "kube0", "-f");
  while (!screen.out.includes("step 5")) await new Promise((resolve) => setTimeout(resolve, 5));
  screen.interrupt();
  assert.equal(await running, 130);
  assert.equal(screen.out.match(/step/g)?.length, 2);
  assert.equal(api.requests[1]?.path, "events?follow=1&machine=kube0&after=4");
});

test("render prints the document to the byte", async (t) => {
  const document = "#!ipxe\nchain http://10.0.0.2/boot\n\n";
  const { terminal } = await bench(t, {
    "GET machines/kube0/render/boot.ipxe": { body: document, contentType: "text/plain" },
  });
  const screen = terminal();
  assert.equal(await screen.run("render", "kube0", "boot.ipxe"), 0);
  assert.equal(screen.out, document);
});

test("a backup is there whole, readable by its owner only, or not at all", async (t) => {
  const { directory, terminal } = await bench(t, {
    "GET backup": { body: "state", contentType: "application/octet-stream" },
  });
  assert.equal(await terminal().run("backup", "muster.backup"), 0);
  const file = path.join(directory, "muster.backup");
  assert.equal(await readFile(file, "utf8"), "state");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const elsewhere = terminal();
  assert.equal(await elsewhere.run("backup", "gone/muster.backup"), 2);
  assert.match(elsewhere.err, /cannot write .*gone\/muster\.backup: its directory does not exist/);
});

test("a pull is followed to its end; missing assets fail with the reason", async (t) => {
  const pull = (status: object) => ({
    status: 202,
    body: { os: "debian-13", architecture: "amd64", status },
  });
  const { terminal } = await bench(t, {
    "POST assets/pull": [
      pull({ kind: "pulling", progress: 0.4, what: "initrd.gz" }),
      pull({ kind: "missing", reason: "the mirror answers 404" }),
    ],
  });
  const screen = terminal();
  assert.equal(await screen.run("assets", "pull", "debian-13"), 1);
  assert.equal(screen.err, "debian-13 amd64: initrd.gz\nmuster: debian-13 amd64: the mirror answers 404\n");
});

test("a token is not sent over plain HTTP to another host", async () => {
  const screen = new FakeTerminal({ environment: { MUSTER_URL: "http://10.0.0.2:8080", MUSTER_TOKEN: "t" } });
  assert.equal(await screen.run("get", "machines"), 2);
  assert.match(screen.err, /a token is not sent to http:\/\/10\.0\.0\.2:8080: use https/);
});

test("an appliance elsewhere is reached by address and token, from the environment or by options", async (t) => {
  const api = new FakeApi({ "GET machines": list() });
  const address = await api.listen();
  t.after(() => api.close());
  const directory = await mkdtemp(path.join(tmpdir(), "muster-cli-"));
  t.after(() => rm(directory, { recursive: true }));
  await writeFile(path.join(directory, "token"), "from-file\n");
  await new FakeTerminal({ environment: { MUSTER_URL: address, MUSTER_TOKEN: "from-env" } }).run(
    "get",
    "machines",
  );
  await new FakeTerminal({
    workingDirectory: directory,
    environment: { MUSTER_URL: "https://elsewhere.example", MUSTER_TOKEN: "from-env" },
  }).run("get", "machines", "--url", address, "--token-file", "token");
  assert.deepEqual(
    api.requests.map((request) => request.headers.authorization),
    ["Bearer from-env", "Bearer from-file"],
  );
});

test("DESIGN-3.1 what cannot be read is told in words, and a file that is no certificate is not taken for one", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "muster-cli-"));
  t.after(() => rm(directory, { recursive: true }));
  await writeFile(path.join(directory, "notes"), "no certificate\n");
  const remote = ["--url", "https://appliance.example"];
  const cases = [
    [
      ["get", "machines", ...remote, "--token-file", "gone"],
      /cannot read the token from gone: there is no such file/,
    ],
    [["get", "machines", ...remote, "--ca", "notes"], /notes holds no certificate; .* pki\/ca\.crt/],
    [["register", "--csv", "gone"], /cannot read gone: there is no such file/],
    [["apply", "-f", "gone"], /cannot read gone: there is no such file/],
  ] as const;
  for (const [args, words] of cases) {
    const terminal = new FakeTerminal({ workingDirectory: directory });
    assert.equal(await terminal.run(...args), 2);
    assert.match(terminal.err, words);
    assert.doesNotMatch(terminal.err, /ENOENT/);
  }
});

test("DESIGN-4 a diagnosis tells what happened last in lines for people", async (t) => {
  const packets = [
    { at: "2026-11-21T10:00:00.000Z", source: "dhcp", what: "DISCOVER from 52:54:00:12:34:01" },
  ];
  const diagnosis = { summary: "kube0 is registered", findings: [], packets };
  const { terminal } = await bench(t, { "GET machines/kube0/diagnose": { body: diagnosis } });
  const screen = terminal();
  assert.equal(await screen.run("diagnose", "kube0"), 0);
  assert.match(screen.out, /^ {2}2026-11-2\d \d\d:\d\d:00 {2}dhcp {2}DISCOVER from 52:54:00:12:34:01$/m);
});
