import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type DhcpLab, dhcpLab, LabClient, SERVER } from "../support/dhcp-lab.ts";
import { readReply, requestHex, UEFI_OPTIONS } from "../support/dhcp-packets.ts";
import {
  connect,
  createNamespace,
  type Daemon,
  type Namespace,
  needsPrograms,
  needsRoot,
} from "../support/netns.ts";

const program = (name: string): string => new URL(`../support/programs/${name}`, import.meta.url).pathname;
const RIVAL = "10.80.0.3";
const MAC = "52:54:00:00:30:01";

const skipped = (t: TestContext, ...programs: readonly string[]): boolean =>
  needsRoot(t) || needsPrograms(t, "ip", "nsenter", ...programs);

/** Another host on the served LAN, with an address of its own. */
async function neighbour(t: TestContext, lab: DhcpLab, name: string, address: string): Promise<Namespace> {
  const namespace = await createNamespace("dhcp", t);
  await connect(
    { namespace: lab.server, name, bridge: "br0" },
    { namespace, name: "eth0", address: `${address}/24` },
  );
  return namespace;
}

async function rivalServer(t: TestContext, lab: DhcpLab): Promise<Daemon> {
  const namespace = await neighbour(t, lab, "rival", RIVAL);
  const dnsmasq = namespace.spawn("dnsmasq", [
    "-k",
    "--user=root",
    "--conf-file=/dev/null",
    "--port=0",
    "--interface=eth0",
    "--log-facility=-",
    "--log-dhcp",
    "--dhcp-range=10.80.0.50,10.80.0.59,1h",
    "--no-ping",
    `--dhcp-leasefile=${lab.directory}/dnsmasq.leases`,
    `--pid-file=${lab.directory}/dnsmasq.pid`,
  ]);
  await dnsmasq.waitFor(/DHCP, IP range/);
  return dnsmasq;
}

/** A LAN behind a relay: 10.81.0.0/24, the relay at .1 there and at .2 on the served one. */
async function remoteLan(t: TestContext, lab: DhcpLab): Promise<{ relay: Namespace; client: LabClient }> {
  const relay = await neighbour(t, lab, "relay", "10.80.0.2");
  await lab.server.must("ip", "route", "add", "10.81.0.0/24", "via", "10.80.0.2");
  await relay.must("sysctl", "-q", "-w", "net.ipv4.ip_forward=1");
  const remote = await createNamespace("dhcp", t);
  await connect(
    { namespace: relay, name: "eth1", address: "10.81.0.1/24" },
    { namespace: remote, name: "eth0", mac: MAC },
  );
  return { relay, client: await LabClient.create(remote, `${lab.directory}/remote`) };
}

const REMOTE_NETWORK = {
  address: SERVER,
  subnets: [
    { cidr: "10.80.0.0/24", router: SERVER, pools: [{ from: "10.80.0.100", to: "10.80.0.199" }] },
    { cidr: "10.81.0.0/24", router: "10.81.0.1", pools: [{ from: "10.81.0.100", to: "10.81.0.199" }] },
  ],
};

test("D-67, D-73, D-42 a dnsmasq relay brings a remote LAN its own addresses, and renewals reach us directly", async (t) => {
  if (skipped(t, "dnsmasq", "busybox", "sysctl")) return;
  const lab = await dhcpLab(t, { dhcp: { unknown: "discover" }, network: REMOTE_NETWORK });
  const { relay, client } = await remoteLan(t, lab);
  const dnsmasq = relay.spawn("dnsmasq", [
    "-k",
    "--user=root",
    "--conf-file=/dev/null",
    "--port=0",
    "--log-facility=-",
    "--log-dhcp",
    `--dhcp-relay=10.81.0.1,${SERVER}`,
    `--pid-file=${lab.directory}/relay.pid`,
  ]);
  await dnsmasq.waitFor(/DHCP relay/);
  const daemon = client.udhcpcDaemon();
  for (let i = 0; i < 100 && !(await client.last("bound")); i++) await delay(50);
  const bound = await client.last("bound");
  assert.match(bound?.address ?? dnsmasq.output(), /^10\.81\.0\.1\d\d$/);
  assert.equal(bound?.router, "10.81.0.1");
  const [lease] = await lab.leases();
  assert.equal(lease?.giaddr, "10.81.0.1");
  await client.namespace.must("ip", "route", "add", "default", "via", "10.81.0.1");
  daemon.child.kill("SIGUSR1");
  for (let i = 0; i < 100 && !(await client.last("renew")); i++) await delay(50);
  assert.equal((await client.last("renew"))?.address, bound.address);
});

test("D-67, D-74 ISC dhcrelay gets its option 82 back and passes the reply on", async (t) => {
  if (skipped(t, "dhcrelay", "busybox", "sysctl")) return;
  const lab = await dhcpLab(t, { dhcp: { unknown: "discover" }, network: REMOTE_NETWORK });
  const { relay, client } = await remoteLan(t, lab);
  // -m discard and -D: a reply without the exact option 82 that was added would be dropped.
  const args = [
    "-4",
    "-d",
    "-a",
    "-D",
    "-pf",
    `${lab.directory}/dhcrelay.pid`,
    "-i",
    "eth0",
    "-i",
    "eth1",
    SERVER,
  ];
  const dhcrelay = relay.spawn("dhcrelay", args);
  await dhcrelay.waitFor(/Sending on .*eth1|Sending on .*eth0/);
  await delay(300);
  const bound = await client.udhcpc();
  assert.match(bound?.address ?? dhcrelay.output(), /^10\.81\.0\.1\d\d$/);
  const [lease] = await lab.leases();
  assert.ok((lease?.circuitId ?? "").length > 0);
});

test("D-79 a relay of a network nobody configured gets no answer", async (t) => {
  if (skipped(t)) return;
  const lab = await dhcpLab(t, { dhcp: { unknown: "discover" } });
  const client = await lab.client();
  await client.namespace.must("ip", "address", "add", "10.80.0.9/24", "dev", "eth0");
  const hex = requestHex({ type: 1, mac: MAC, giaddr: "192.0.2.1" });
  const got = await client.talk({ port: 67, from: "10.80.0.9", send: [{ to: SERVER, toPort: 67, hex }] });
  assert.deepEqual(got, []);
});

test("P-11, P-12, P-13, P-14 beside a dnsmasq DHCP server we add boot data and lease nothing", async (t) => {
  if (skipped(t, "dnsmasq", "busybox")) return;
  const machines = [{ name: "kube0", spec: { mac: MAC } }];
  const lab = await dhcpLab(t, { mode: "proxy", machines });
  const dnsmasq = await rivalServer(t, lab);
  const plain = await (await lab.client()).udhcpc();
  assert.equal(plain?.server, RIVAL, dnsmasq.output());
  const client = await lab.client(MAC);
  await client.namespace.must("ip", "address", "add", "10.80.0.70/24", "brd", "+", "dev", "eth0");
  const hex = requestHex({ type: 1, mac: MAC, options: UEFI_OPTIONS });
  const offers = await client.talk({
    port: 68,
    from: "10.80.0.70",
    send: [{ to: "255.255.255.255", toPort: 67, hex }],
    wait: 1500,
  });
  const byServer = new Map(offers.map((offer) => [offer.from, readReply(offer.hex)]));
  assert.match(byServer.get(RIVAL)?.yiaddr ?? "none", /^10\.80\.0\.5\d$/);
  const proxy = byServer.get(SERVER);
  assert.equal(proxy?.yiaddr, "0.0.0.0");
  assert.equal(proxy.options.get(60)?.toString().slice(0, 9), "PXEClient");
  assert.ok(proxy.options.has(97) && !proxy.options.has(51) && !proxy.options.has(3));
  const request = requestHex({
    type: 3,
    mac: MAC,
    ciaddr: "10.80.0.70",
    broadcast: false,
    options: UEFI_OPTIONS,
  });
  const [ack] = await client.talk({
    port: 4011,
    from: "10.80.0.70",
    send: [{ to: SERVER, toPort: 4011, hex: request }],
  });
  assert.ok(readReply(ack?.hex ?? "").file.endsWith(".efi"));
  assert.deepEqual(await lab.leases(), []);
});

test("D-92, D-93 the search finds a rival server and never ourselves", async (t) => {
  if (skipped(t, "dnsmasq")) return;
  const lab = await dhcpLab(t, { dhcp: { unknown: "discover" } });
  assert.deepEqual(await lab.searchServers(), { kind: "asked", servers: [] });
  assert.equal((await lab.counters())["ignored:own-probe"], 2);
  assert.deepEqual(await lab.leases(), []);
  await rivalServer(t, lab);
  const found = await lab.searchServers();
  assert.ok(found.kind === "asked");
  assert.deepEqual(
    found.servers.map(({ server, source }) => [server, source]),
    [[RIVAL, RIVAL]],
  );
});

test("D-92 the search says why it cannot be made while a client of this host holds port 68", async (t) => {
  if (skipped(t, "python3")) return;
  const lab = await dhcpLab(t);
  const holder =
    "import socket,time;s=socket.socket(2,2);s.bind(('0.0.0.0',68));print('held',flush=True);time.sleep(30)";
  await lab.server.spawn("python3", ["-c", holder]).waitFor(/held/);
  const found = await lab.searchServers();
  assert.ok(found.kind === "impossible");
  assert.match(found.reason, /^UDP port 68 is taken by python3.*, pid \d+\.$/);
});

test("D-20, D-48 the dhcp client of npm reads our OFFER; its REQUEST, which names no address, stays unanswered", async (t) => {
  if (skipped(t)) return;
  const lab = await dhcpLab(t, { machines: [{ name: "kube0", spec: { mac: MAC, address: "10.80.0.30" } }] });
  const client = await lab.client(MAC);
  await client.namespace.must("ip", "address", "add", "10.80.0.31/24", "brd", "+", "dev", "eth0");
  await client.namespace.must("ip", "route", "add", "default", "dev", "eth0");
  const { stdout, stderr } = await client.namespace.run(process.execPath, [
    "--no-deprecation",
    program("npm-dhcp-client.cjs"),
    MAC,
  ]);
  const offer = { type: 2, address: "10.80.0.30", server: SERVER, mask: "255.255.255.0" };
  assert.deepEqual(
    stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown),
    [offer],
    stderr,
  );
});

test("D-97 500 machines power on together: every request is answered, and all have an address", async (t) => {
  if (skipped(t, "perfdhcp", "nstat")) return;
  const pools = [{ from: "10.80.1.0", to: "10.80.15.250" }];
  const network = { address: SERVER, subnets: [{ cidr: "10.80.0.0/20", pools }] };
  const lab = await dhcpLab(t, { dhcp: { unknown: "discover", clientRate: 1000 }, network });
  const relay = await neighbour(t, lab, "perf", "10.80.0.250");
  // Answers are waited for until there are as many as both counts together: with one, OFFERs alone would end the wait.
  const counts = ["-r", "500", "-R", "500", "-n", "500", "-n", "500"];
  const patience = ["-d", "60", "-W", "15000000"];
  for (let round = 1; round <= 3; round++) {
    const { stdout } = await relay.run(
      "perfdhcp",
      ["-4", "-l", "10.80.0.250", ...counts, ...patience, SERVER],
      {
        timeout: 90_000,
      },
    );
    const client = await datagrams(relay);
    const server = await datagrams(lab.server);
    t.diagnostic(`round ${round}: ${JSON.stringify({ server, client })}`);
    assert.deepEqual(
      [server.lost, server.sent],
      [0, server.received],
      `not everything was answered:\n${stdout}`,
    );
    assert.equal(server.received, client.sent, stdout);
    // On a busy host perfdhcp is late and its own buffer overflows; those machines ask again in the next round.
    assert.equal(client.received + client.lost, server.sent, stdout);
    if (client.lost === 0 || (await lab.leases()).length >= 500) break;
  }
  const leases = await lab.leases();
  assert.equal(leases.length, 500);
  assert.ok(leases.every(({ state }) => state === "bound"));
  assert.equal(new Set(leases.map(({ address }) => address)).size, 500);
});

/** UDP datagrams that programs of a namespace have sent and read, and those that found their buffer full. */
async function datagrams(
  namespace: Namespace,
): Promise<{ readonly received: number; readonly sent: number; readonly lost: number }> {
  const text = await namespace.must("nstat", "-asz", "UdpInDatagrams", "UdpOutDatagrams", "UdpInErrors");
  const counter = (name: string): number => Number(new RegExp(`^${name} +(\\d+)`, "m").exec(text)?.[1]);
  return {
    received: counter("UdpInDatagrams"),
    sent: counter("UdpOutDatagrams"),
    lost: counter("UdpInErrors"),
  };
}

/** Leases that have to be acknowledged around kills for the test to say something. */
const ENOUGH_ACKS = 200;

test("D-33, D-61 kill -9 during a lease storm: no acknowledged lease is lost", async (t) => {
  if (skipped(t, "tcpdump", "perfdhcp")) return;
  const pools = [{ from: "10.80.1.0", to: "10.80.15.250" }];
  const network = { address: SERVER, subnets: [{ cidr: "10.80.0.0/20", pools }] };
  const lab = await dhcpLab(t, { dhcp: { unknown: "discover", clientRate: 1000 }, network });
  const relay = await neighbour(t, lab, "perf", "10.80.0.250");
  const acked = new Set<string>();
  // A busy host sees few exchanges before a kill: it is killed more often.
  for (let round = 0; round < 3 || (acked.size <= ENOUGH_ACKS && round < 9); round++) {
    const capture = relay.spawn("tcpdump", [
      "-i",
      "eth0",
      "-n",
      "-l",
      "-vv",
      "-s",
      "600",
      `src ${SERVER} and udp port 67`,
    ]);
    await capture.waitFor(/listening on/);
    const seed = String(1000 + round);
    const args = ["-4", "-l", "10.80.0.250", "-r", "800", "-R", "3000", "-p", "3", "-s", seed, SERVER];
    const storm = relay.spawn("perfdhcp", args);
    await delay(700 + 400 * (round % 3));
    lab.daemon.child.kill("SIGKILL");
    await delay(400);
    await storm.stop("SIGKILL");
    await capture.stop();
    for (const address of acknowledged(capture.output())) acked.add(address);
    await lab.startAppliance();
    const known = new Set(
      (await lab.leases()).filter(({ state }) => state === "bound").map(({ address }) => address),
    );
    const lost = [...acked].filter((address) => !known.has(address));
    assert.deepEqual(lost, [], `round ${round}: ${acked.size} acknowledged`);
  }
  t.diagnostic(`${acked.size} leases acknowledged around the kills`);
  assert.ok(acked.size > ENOUGH_ACKS, `${acked.size} acknowledged`);
});

/** Addresses in the ACKs of a verbose tcpdump. */
function acknowledged(text: string): readonly string[] {
  const packets = text.split(/\n(?=\d\d:)/);
  return packets
    .filter((packet) => /DHCP-Message .*: ACK/.test(packet))
    .map((packet) => /Your-IP ([\d.]+)/.exec(packet)?.[1] ?? "");
}

test("D-82, D-20 two LANs on two interfaces are served through sockets bound to their devices", async (t) => {
  if (skipped(t, "python3", "busybox")) return;
  const lab = await dhcpLab(t, { withoutAppliance: true });
  const other = await createNamespace("dhcp", t);
  await connect(
    { namespace: lab.server, name: "eth1", address: "10.82.0.1/24" },
    { namespace: other, name: "eth0" },
  );
  const pool = (net: string): object => ({
    cidr: `${net}.0/24`,
    pools: [{ from: `${net}.100`, to: `${net}.110` }],
  });
  const settings = JSON.stringify({
    address: SERVER,
    database: `${lab.directory}/muster.db`,
    interfaces: { br0: SERVER, eth1: "10.82.0.1" },
    config: {
      network: { address: SERVER, subnets: [pool("10.80.0"), pool("10.82.0")] },
      dhcp: { mode: "server", unknown: "discover" },
    },
  });
  const sockets = ["dhcp-br0=br0:67", "dhcp-eth1=eth1:67", "proxy-br0=br0:4011"];
  const appliance = [process.execPath, program("dhcp-appliance.ts"), settings];
  const daemon = lab.server.spawn("python3", [program("bind-to-device.py"), ...sockets, "--", ...appliance], {
    openInput: true,
  });
  await daemon.waitFor(/"listening"/);
  const here = await (await lab.client()).udhcpc();
  const there = await (await LabClient.create(other, `${lab.directory}/other`)).udhcpc();
  assert.match(here?.address ?? daemon.output(), /^10\.80\.0\.1/);
  assert.match(there?.address ?? daemon.output(), /^10\.82\.0\.1/);
  assert.equal(there?.server, "10.82.0.1");
});

test("D-71 a port that another program holds ends the start with its name", async (t) => {
  if (skipped(t, "dnsmasq")) return;
  const lab = await dhcpLab(t, { withoutAppliance: true });
  const dnsmasq = lab.server.spawn("dnsmasq", [
    "-k",
    "--user=root",
    "--conf-file=/dev/null",
    "--port=0",
    "--log-facility=-",
    "--dhcp-range=10.80.0.50,10.80.0.59,1h",
    `--dhcp-leasefile=${lab.directory}/dnsmasq.leases`,
    `--pid-file=${lab.directory}/dnsmasq.pid`,
  ]);
  await dnsmasq.waitFor(/DHCP, IP range/);
  await assert.rejects(lab.startAppliance(), /UDP port 67 is taken by dnsmasq, pid \d+/);
});
