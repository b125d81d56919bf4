/** The command line and the appliance as processes, the way a person uses them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { ConfigInput } from "../../src/config/schema.ts";
import { type DhcpLab, dhcpLab } from "../support/dhcp-lab.ts";
import { needsPrograms, needsRoot } from "../support/netns.ts";
import { Serving, WITHOUT_RIGHTS } from "../support/serving.ts";

const SERVER = "10.80.0.1";

async function lan(
  t: TestContext,
  config: ConfigInput = {},
): Promise<{ readonly lab: DhcpLab; readonly serving: Serving }> {
  const lab = await dhcpLab(t, { withoutAppliance: true });
  const network = { interface: "br0", address: SERVER, ...config.network };
  // Nothing is fetched in these tests; there is no way out of the namespace either.
  const serving = await Serving.create(t, lab.server, { ...config, network, assets: { offline: true } });
  return { lab, serving };
}

test("the printed curl lines register a machine and get it, when pasted", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "curl")) return;
  const { lab, serving } = await lan(t);
  const daemon = await serving.serve();
  const lines = daemon
    .output()
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("curl "));
  assert.equal(lines.length, 2);
  const [register = "", get = ""] = lines;
  const registered = await lab.server.run("sh", ["-c", `${register} -sS --fail-with-body`]);
  assert.equal(registered.code, 0, registered.stderr + registered.stdout);
  const got = await lab.server.run("sh", [
    "-c",
    `${get.replace("wait=installed&timeout=300", "wait=registered&timeout=5")} -sS`,
  ]);
  assert.equal((JSON.parse(got.stdout) as { name: string }).name, "kube0");
});

test("on this host without set-up, from elsewhere by address, token and CA: the same machines", async (t) => {
  if (needsRoot(t)) return;
  const { lab, serving } = await lan(t);
  await serving.serve();
  const made = await serving.muster(["register", "52:54:00:12:34:01", "--name", "kube0", "-o", "json"]);
  assert.equal(made.code, 0, made.stderr);
  const elsewhere = await lab.client();
  await elsewhere.namespace.must("ip", "address", "add", "10.80.0.7/24", "dev", "eth0");
  const environment = {
    MUSTER_URL: `https://${SERVER}:8443`,
    MUSTER_TOKEN_FILE: path.join(serving.directory, "data/admin-token"),
    MUSTER_CA: path.join(serving.directory, "data/pki/ca.crt"),
  };
  const remote = await Serving.create(t, elsewhere.namespace, {});
  const there = await remote.muster(["get", "machine", "kube0", "-o", "json"], { env: environment });
  assert.equal(there.code, 0, there.stderr);
  assert.deepEqual(JSON.parse(there.stdout), JSON.parse(made.stdout));
  const untrusted = await remote.muster(["get", "machines"], { env: { ...environment, MUSTER_CA: "" } });
  assert.equal(untrusted.code, 1);
  assert.match(
    untrusted.stderr,
    /not signed by a CA that is believed here\nhint: give the appliance's own CA by --ca/,
  );
});

test("the admin token lies in a file of its owner, is shown on a terminal, and never in a log", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "script")) return;
  const { lab, serving } = await lan(t);
  const daemon = await serving.serve();
  const file = path.join(serving.directory, "data/admin-token");
  const token = (await readFile(file, "utf8")).trim();
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.ok(!daemon.output().includes(token));
  await daemon.stop();
  const second = await Serving.create(t, lab.server, {
    network: { interface: "br0" },
    assets: { offline: true },
  });
  const muster = path.join(import.meta.dirname, "../../src/cli/muster.ts");
  const onTerminal = lab.server.spawn(
    "script",
    ["-qec", `${process.execPath} ${muster} serve`, "/dev/null"],
    {
      cwd: second.directory,
      openInput: true,
    },
  );
  await onTerminal.waitFor(/Muster serves:[^]*curl alone/);
  const shown = (await readFile(path.join(second.directory, "data/admin-token"), "utf8")).trim();
  assert.ok(onTerminal.output().includes(shown));
  onTerminal.child.stdin.write("\u0003");
  await onTerminal.waitFor(/stopping/);
});

test("a taken port ends the start with one sentence that names who holds it, and exit code 1", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "dnsmasq")) return;
  const { lab, serving } = await lan(t);
  const rival = lab.server.spawn("dnsmasq", [
    "-d",
    "-p",
    "0",
    "-C",
    "/dev/null",
    "-i",
    "br0",
    "--dhcp-range=10.80.0.50,10.80.0.60",
  ]);
  await rival.waitFor(/DHCP, IP range/);
  const daemon = serving.start();
  const ended = once(daemon.child, "close");
  await daemon.waitFor(/taken by/);
  assert.equal((await ended)[0], 1);
  const said = daemon
    .output()
    .split("\n")
    .filter((line) => line.startsWith("muster: "));
  assert.equal(said.length, 1, daemon.output());
  assert.match(said[0] ?? "", new RegExp(`UDP port 67 is taken by dnsmasq, pid \\d+`));
});

test("the first signal stops gracefully with exit code 0, whichever it is", async (t) => {
  if (needsRoot(t)) return;
  const { serving } = await lan(t);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const daemon = await serving.serve();
    assert.equal(await daemon.stop(signal), 0, daemon.output());
    assert.match(daemon.output(), /stopping; a second signal ends at once/);
  }
});

test("a signal during the start ends it in one line with exit code 0, and nothing is called a failure", async (t) => {
  if (needsRoot(t)) return;
  const { serving } = await lan(t);
  const daemon = serving.start();
  // The first thing a start says, long before it serves.
  await daemon.waitFor(/archive of the mirror|HTTP listens/);
  assert.equal(await daemon.stop("SIGTERM"), 0, daemon.output());
  assert.match(daemon.output(), /^stopped before it served$|^stopping;/m);
  assert.doesNotMatch(daemon.output(), /aborted|^muster: |"level":"(warn|error)"/m);
});

test("a second signal during the stop ends at once with exit code 130, and the next start finds everything", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "curl")) return;
  const { lab, serving } = await lan(t);
  const known: string[] = [];
  for (const [first, second] of [
    ["SIGTERM", "SIGTERM"],
    ["SIGINT", "SIGTERM"],
  ] as const) {
    const daemon = await serving.serve();
    const name = `kube-${first.toLowerCase()}`;
    const mac = first === "SIGTERM" ? "52:54:00:12:34:01" : "52:54:00:12:34:02";
    const registered = await serving.muster(["register", mac, "--name", name]);
    assert.equal(registered.code, 0, registered.stderr);
    known.push(name);
    const machines = await serving.muster(["get", "machines", "-o", "json"]);
    for (const earlier of known) assert.match(machines.stdout, new RegExp(`"${earlier}"`));
    // A download that does not end holds the stop up until its deadline.
    const big = path.join(serving.directory, "data/assets/big");
    await writeFile(big, "");
    await truncate(big, 1_000_000_000);
    const slow = lab.server.spawn("curl", [
      ...["-sS", "-v", "--limit-rate", "1k", "-o", "/dev/null"],
      `http://${SERVER}:8080/boot/files/big`,
    ]);
    await slow.waitFor(/HTTP\/1.1 200/);
    daemon.child.kill(first);
    await daemon.waitFor(/stopping; a second signal ends at once/);
    assert.equal(await daemon.stop(second), 130, daemon.output());
    await slow.stop();
  }
});

test("without the right to open low ports the rest is served, and the fix is said", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "setpriv")) return;
  const { serving } = await lan(t);
  const daemon = await serving.serve({ before: WITHOUT_RIGHTS });
  assert.match(daemon.output(), /degraded: .*port 67.*setcap cap_net_bind_service/);
  const registered = await serving.muster(["register", "52:54:00:12:34:01", "--name", "kube0"]);
  assert.equal(registered.code, 0, registered.stderr);
  const status = await serving.muster(["status"]);
  assert.match(status.stdout, /^dhcp +degraded/m);
});

test("D-93 doctor names another DHCP server: fine beside a proxy, a failure in server mode", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "dnsmasq")) return;
  const lab = await dhcpLab(t, { withoutAppliance: true });
  const rival = await lab.client();
  await rival.namespace.must("ip", "address", "add", "10.80.0.9/24", "brd", "+", "dev", "eth0");
  const daemon = rival.namespace.spawn("dnsmasq", [
    "-d",
    "-p",
    "0",
    "-C",
    "/dev/null",
    "--dhcp-range=10.80.0.50,10.80.0.60",
  ]);
  await daemon.waitFor(/DHCP, IP range/);
  const checks = async (mode: "proxy" | "server") => {
    const serving = await Serving.create(t, lab.server, {
      dhcp: { mode },
      network: { subnets: [{ cidr: "10.80.0.0/24", pools: [{ from: "10.80.0.100", to: "10.80.0.150" }] }] },
      assets: { offline: true },
    });
    const { code, stdout } = await serving.muster(["doctor", "-o", "json"]);
    const all = JSON.parse(stdout) as readonly {
      readonly name: string;
      readonly state: string;
      readonly message: string;
    }[];
    return { code, rival: all.find(({ name }) => name === "other DHCP") };
  };
  const beside = await checks("proxy");
  assert.deepEqual([beside.code, beside.rival?.state], [0, "ok"]);
  assert.match(beside.rival?.message ?? "", /10\.80\.0\.9/);
  const against = await checks("server");
  assert.deepEqual([against.code, against.rival?.state], [1, "fail"]);
});

test("doctor names the holder of a port and what to do", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "dnsmasq")) return;
  const { lab, serving } = await lan(t);
  const holder = lab.server.spawn("dnsmasq", [
    "-d",
    "-C",
    "/dev/null",
    "-p",
    "0",
    "--enable-tftp",
    `--tftp-root=${serving.directory}`,
    "-i",
    "br0",
  ]);
  await holder.waitFor(/TFTP root is/);
  const { code, stdout } = await serving.muster(["doctor"]);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /fail +port 69\/udp +TFTP cannot be served: .*dnsmasq, pid \d+\n +do: stop that program, or change tftp\.port/,
  );
});

test("a client of the configured pool is served by what `muster serve` started", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "busybox")) return;
  const { lab, serving } = await lan(t, {
    dhcp: { mode: "server" },
    network: {
      subnets: [
        { cidr: "10.80.0.0/24", router: SERVER, pools: [{ from: "10.80.0.100", to: "10.80.0.150" }] },
      ],
    },
  });
  await serving.serve();
  const registered = await serving.muster([
    "register",
    "52:54:00:00:20:01",
    "--name",
    "node",
    "--address",
    "10.80.0.42",
  ]);
  assert.equal(registered.code, 0, registered.stderr);
  const client = await lab.client("52:54:00:00:20:01");
  assert.equal((await client.udhcpc())?.address, "10.80.0.42");
  const leases = await serving.muster(["get", "leases"]);
  assert.match(leases.stdout, /^10\.80\.0\.42 +bound +52:54:00:00:20:01/m);
  const doctor = await serving.muster(["doctor"]);
  assert.match(doctor.stdout, /^ok +appliance +version .* runs, DHCP mode server$/m);
  assert.match(doctor.stdout, /^ok +dhcp +listens on 10\.80\.0\.1:67\/udp/m);
  assert.doesNotMatch(doctor.stdout, /^fail/m);
});

test("a backup taken while serving comes back elsewhere, every machine held until it is confirmed", async (t) => {
  if (needsRoot(t)) return;
  const { lab, serving } = await lan(t);
  const daemon = await serving.serve();
  const registered = await serving.muster(["register", "52:54:00:12:34:01", "--name", "kube0"]);
  assert.equal(registered.code, 0, registered.stderr);
  const backup = await serving.muster(["backup", "state.backup"]);
  assert.equal(backup.code, 0, backup.stderr);
  const file = path.join(serving.directory, "state.backup");

  const running = await serving.muster(["restore", file, "--yes", "--replace"]);
  assert.equal(running.code, 1);
  assert.match(running.stderr, /another process holds it/);
  await daemon.stop();
  const occupied = await serving.muster(["restore", file, "--yes"]);
  assert.equal(occupied.code, 1);
  assert.match(occupied.stderr, /holds the state of an appliance already; --replace puts it aside/);

  const elsewhere = await Serving.create(t, lab.server, {
    network: { interface: "br0" },
    assets: { offline: true },
  });
  const restored = await elsewhere.muster(["restore", file, "--yes"]);
  assert.equal(restored.code, 0, restored.stderr);
  assert.match(restored.stderr, /held machines: 1;/);
  await elsewhere.serve();
  const held = await elsewhere.muster(["get", "machines"]);
  assert.match(held.stdout, /^kube0 +registered .*held: restored from the backup of/m);
  const confirmed = await elsewhere.muster(["confirm", "kube0"]);
  assert.equal(confirmed.code, 0, confirmed.stderr);
  assert.doesNotMatch((await elsewhere.muster(["get", "machines"])).stdout, /held:/);
});
