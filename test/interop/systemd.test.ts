/** The units as systemd reads them, and sockets that somebody else opened. */
import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { dhcpLab } from "../support/dhcp-lab.ts";
import { execute, needsPrograms, needsRoot } from "../support/netns.ts";
import { Serving, WITHOUT_RIGHTS } from "../support/serving.ts";

const root = path.join(import.meta.dirname, "../..");
const examples = path.join(root, "examples/systemd");
const OPEN_SOCKETS = path.join(root, "test/support/programs/bind-to-device.py");
const muster = path.join(root, "src/cli/muster.ts");

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "muster-units-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("the socket units of an interface are written, and systemd finds nothing to say about any unit", async (t) => {
  if (needsPrograms(t, "systemd-analyze")) return;
  const directory = await temporary(t);
  const written = await execute("sh", [path.join(examples, "add-interface.sh"), "enp3s0"], {
    env: { DESTDIR: directory },
  });
  assert.equal(written.code, 0, written.stderr);
  const units = path.join(directory, "etc/systemd/system");
  const sockets = (await readdir(units)).sort();
  assert.deepEqual(
    sockets,
    ["dhcp", "proxy", "syslog", "tftp"].map((purpose) => `muster-${purpose}-enp3s0.socket`),
  );
  await cp(path.join(examples, "muster.service"), path.join(units, "muster.service"));
  const files = ["muster.service", ...sockets].map((unit) => path.join(units, unit));
  const { code, stdout, stderr } = await execute("systemd-analyze", ["verify", "--man=no", ...files], {
    env: { SYSTEMD_UNIT_PATH: `${units}:` },
  });
  // Without an installation there is no program to start; everything else must be in order.
  const complaints = `${stdout}${stderr}`
    .split("\n")
    .filter(
      (line) =>
        line.includes("muster") &&
        !/bin\/node is not executable|Failed to create .*muster\.service\/start/.test(line),
    );
  assert.deepEqual(complaints, [], `exit ${code}`);
});

test("an interface name that is none writes nothing", async (t) => {
  const directory = await temporary(t);
  const refused = await execute("sh", [path.join(examples, "add-interface.sh"), "eth1/../x"], {
    env: { DESTDIR: directory },
  });
  assert.equal(refused.code, 2);
  assert.deepEqual(await readdir(directory), []);
});

test("the scripts are sound POSIX shell", async (t) => {
  if (needsPrograms(t, "shellcheck")) return;
  const scripts = (await readdir(examples)).filter((name) => name.endsWith(".sh"));
  const { code, stdout } = await execute("shellcheck", [
    "-s",
    "sh",
    ...scripts.map((name) => path.join(examples, name)),
  ]);
  assert.equal(code, 0, stdout);
});

test("sockets bound to their device and passed on as systemd does serve a client without any right", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "python3", "setpriv", "busybox")) return;
  const lab = await dhcpLab(t, { withoutAppliance: true });
  const serving = await Serving.create(t, lab.server, {
    network: {
      interface: "br0",
      subnets: [{ cidr: "10.80.0.0/24", pools: [{ from: "10.80.0.100", to: "10.80.0.150" }] }],
    },
    dhcp: { mode: "server" },
    syslog: { enabled: false },
    assets: { offline: true },
  });
  const sockets = ["dhcp-br0=br0:67", "proxy-br0=br0:4011", "tftp-br0=br0:69"];
  const daemon = lab.server.spawn(
    "python3",
    [OPEN_SOCKETS, ...sockets, "--", ...WITHOUT_RIGHTS, process.execPath, muster, "serve"],
    { cwd: serving.directory },
  );
  await daemon.waitFor(/Muster serves:[^]*\n\n/);
  assert.doesNotMatch(daemon.output(), /degraded/);
  const client = await lab.client("52:54:00:00:20:01");
  const registered = await serving.muster([
    "register",
    "52:54:00:00:20:01",
    "--name",
    "node",
    "--address",
    "10.80.0.42",
  ]);
  assert.equal(registered.code, 0, registered.stderr);
  assert.equal((await client.udhcpc("-t", "5"))?.address, "10.80.0.42");
  const status = await serving.muster(["status"]);
  assert.match(status.stdout, /^dhcp +listening/m);
  assert.match(status.stdout, /^tftp +listening/m);
});

test("D-82 a DHCP socket that is not bound to its interface ends the start with the line its unit lacks", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "python3", "ss")) return;
  const lab = await dhcpLab(t, { withoutAppliance: true });
  const serving = await Serving.create(t, lab.server, { network: { interface: "br0" } });
  for (const [sockets, said] of [
    [["dhcp-br0=:67"], /the socket dhcp-br0 that systemd passed is not bound to that interface/],
    [["dhcp-br0=br0:67", "proxy-br0=lo:4011"], /the socket proxy-br0 that systemd passed is bound to lo/],
  ] as const) {
    const appliance = [process.execPath, muster, "serve"];
    const args = [OPEN_SOCKETS, ...sockets, "--", ...appliance];
    const ended = await lab.server.run("python3", args, { cwd: serving.directory, timeout: 120_000 });
    assert.equal(ended.code, 78, ended.stderr);
    assert.match(ended.stderr, said);
    assert.match(ended.stderr, /set BindToDevice=br0 in its \.socket unit/);
  }
});

test("the first packet starts the service, and is answered by it", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "systemd-socket-activate", "setpriv", "tftp")) return;
  const lab = await dhcpLab(t, { withoutAppliance: true });
  const serving = await Serving.create(t, lab.server, {
    network: { interface: "br0" },
    dhcp: { mode: "off" },
    syslog: { enabled: false },
    assets: { offline: true },
  });
  const command = [...WITHOUT_RIGHTS, process.execPath, muster, "serve"];
  const daemon = lab.server.spawn(
    "systemd-socket-activate",
    ["--datagram", "-l", "0.0.0.0:69", "--fdname=tftp-br0", ...command],
    { cwd: serving.directory },
  );
  await daemon.waitFor(/Listening on 0\.0\.0\.0:69/);
  const client = await lab.client();
  await client.namespace.must("ip", "address", "add", "10.80.0.7/24", "dev", "eth0");
  const asked = await client.namespace.run("tftp", [
    "-v",
    "10.80.0.1",
    "-c",
    "get",
    "missing.efi",
    "/dev/null",
  ]);
  assert.match(asked.stdout, /Error code 1|not found/i, asked.stderr);
  await daemon.waitFor(/Muster serves:/);
});

test("the installation holds all that the service needs, and systemd finds its program", async (t) => {
  if (needsPrograms(t, "systemd-analyze", "npm")) return;
  const directory = await temporary(t);
  const installed = await execute("sh", [path.join(examples, "install.sh")], {
    env: { DESTDIR: directory },
    timeout: 300_000,
  });
  assert.equal(installed.code, 0, installed.stderr);
  const program = path.join(directory, "opt/muster/bin/node");
  const entry = path.join(directory, "opt/muster/dist/cli/muster.js");
  const version = await execute(program, [entry, "version"], { cwd: directory });
  assert.match(version.stdout, /^muster \d+\.\d+\.\d+\n$/);
  const check = await execute(program, [
    entry,
    "config",
    "check",
    "-c",
    path.join(directory, "etc/muster/muster.yaml"),
  ]);
  assert.equal(check.code, 0, check.stderr);
  const { stdout, stderr } = await execute("systemd-analyze", [
    "verify",
    "--man=no",
    `--root=${directory}`,
    "muster.service",
  ]);
  assert.doesNotMatch(`${stdout}${stderr}`, /not executable|Unknown|Invalid/);
  if (needsRoot(t)) return;
  const lab = await dhcpLab(t, { withoutAppliance: true });
  const daemon = lab.server.spawn(
    program,
    [entry, "serve", "--interface", "br0", "--set", "assets.offline=true"],
    {
      cwd: directory,
    },
  );
  await daemon.waitFor(/Muster serves:[^]*\n\n/);
  const page = await lab.server.run("curl", [
    "-ksS",
    "-o",
    "/dev/null",
    "-w",
    "%{http_code}",
    "https://10.80.0.1:8443/login",
  ]);
  assert.equal(page.stdout, "200", page.stderr);
});
