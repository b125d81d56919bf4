import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Bound, dhcpLab, type LabClient, SERVER } from "../support/dhcp-lab.ts";
import { addressOption, readReply, requestHex, UEFI_OPTIONS } from "../support/dhcp-packets.ts";
import { needsPrograms, needsRoot } from "../support/netns.ts";

const MAC = "52:54:00:00:20:01";
const KNOWN = { name: "kube0", spec: { mac: MAC, address: "10.80.0.20" } };
const DISCOVER = { dhcp: { unknown: "discover" as const } };

const skipped = (t: TestContext, ...programs: readonly string[]): boolean =>
  needsRoot(t) || needsPrograms(t, "ip", "nsenter", ...programs);

const until = async (settled: () => Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 100 && !(await settled()); i++) await delay(50);
};

const CLIENTS: Readonly<
  Record<string, { needs: string; bind: (client: LabClient) => Promise<Bound | undefined> }>
> = {
  udhcpc: { needs: "busybox", bind: (client) => client.udhcpc() },
  dhclient: { needs: "dhclient", bind: (client) => client.dhclient() },
  dhcpcd: { needs: "dhcpcd", bind: (client) => client.dhcpcd() },
};

for (const [name, { needs, bind }] of Object.entries(CLIENTS)) {
  test(`D-20, D-34, D-69, D-70, D-71, D-88 ${name} is given its machine's address, an unknown one an address from the pool`, async (t) => {
    if (skipped(t, needs)) return;
    const lab = await dhcpLab(t, { ...DISCOVER, machines: [KNOWN] });
    const bound = await bind(await lab.client(MAC));
    assert.equal(bound?.address, "10.80.0.20", JSON.stringify(await lab.counters()));
    assert.deepEqual([bound.server, bound.router], [SERVER, SERVER]);
    assert.ok((await lab.leases()).some(({ address, mac }) => address === "10.80.0.20" && mac === MAC));
    const unknown = await bind(await lab.client());
    assert.match(unknown?.address ?? "nothing", /^10\.80\.0\.1\d\d$/);
  });
}

test("D-87 an unknown machine is left alone and the reason is kept", async (t) => {
  if (skipped(t, "busybox")) return;
  const lab = await dhcpLab(t);
  const client = await lab.client("52:54:00:00:20:99");
  assert.equal(await client.udhcpc("-t", "1", "-T", "1"), undefined);
  const [decision] = await lab.decisions("52:54:00:00:20:99");
  assert.equal(decision?.reply, undefined);
  assert.match(decision?.reason ?? "", /unknown/);
});

test("D-42, D-56, D-68 udhcpc renews by unicast and releases", async (t) => {
  if (skipped(t, "busybox")) return;
  const lab = await dhcpLab(t, { machines: [KNOWN] });
  const client = await lab.client(MAC);
  const daemon = client.udhcpcDaemon("-R");
  await until(async () => (await client.last("bound")) !== undefined);
  const [first] = await lab.leases();
  await delay(1100);
  daemon.child.kill("SIGUSR1");
  await until(async () => (await client.last("renew")) !== undefined);
  assert.equal((await client.last("renew"))?.address, "10.80.0.20");
  const [renewed] = await lab.leases();
  assert.ok((renewed?.expiresAt ?? 0) > (first?.expiresAt ?? 0));
  daemon.child.kill("SIGUSR2");
  await until(async () => (await lab.leases())[0]?.state === "released");
  assert.equal((await lab.leases())[0]?.state, "released");
});

test("D-38, D-56 dhclient comes back to its address after a reboot, and releases it", async (t) => {
  if (skipped(t, "dhclient")) return;
  const lab = await dhcpLab(t, DISCOVER);
  const client = await lab.client();
  const bound = await client.dhclient();
  await client.dhclient("-x");
  await client.namespace.must("ip", "address", "flush", "dev", "eth0");
  const again = await client.dhclient();
  assert.equal(again?.reason, "REBOOT");
  assert.equal(again.address, bound?.address);
  await client.dhclient("-r");
  await until(async () => (await lab.leases())[0]?.state === "released");
  assert.equal((await lab.leases())[0]?.state, "released");
});

test("D-53 udhcpc declines an address that somebody uses, and gets another", async (t) => {
  if (skipped(t, "busybox")) return;
  const pools = [{ from: "10.80.0.100", to: "10.80.0.101" }];
  const network = { address: SERVER, subnets: [{ cidr: "10.80.0.0/24", pools }] };
  const lab = await dhcpLab(t, { ...DISCOVER, network });
  const squatter = await lab.client();
  await squatter.namespace.must("ip", "address", "add", "10.80.0.100/24", "dev", "eth0");
  await squatter.namespace.must("ip", "link", "set", "eth0", "up");
  const client = await lab.client();
  const bound = await client.udhcpc("-a500", "-A", "1", "-t", "8");
  assert.equal(bound?.address, "10.80.0.101");
  const declined = (await lab.leases()).filter(({ state }) => state === "declined");
  assert.deepEqual(
    declined.map(({ address }) => address),
    ["10.80.0.100"],
  );
});

test("D-50 with probing on, an address that answers a ping is not offered", async (t) => {
  if (skipped(t, "busybox", "ping")) return;
  const pools = [{ from: "10.80.0.100", to: "10.80.0.101" }];
  const network = { address: SERVER, subnets: [{ cidr: "10.80.0.0/24", pools }] };
  const lab = await dhcpLab(t, { dhcp: { unknown: "discover", probe: "ping" }, network });
  const squatter = await lab.client();
  await squatter.namespace.must("ip", "address", "add", "10.80.0.100/24", "dev", "eth0");
  const bound = await (await lab.client()).udhcpc();
  assert.equal(bound?.address, "10.80.0.101");
});

test("D-69, D-71, P-14 answers leave from port 67 and 4011 of the interface's address", async (t) => {
  if (skipped(t)) return;
  const lab = await dhcpLab(t, { machines: [KNOWN] });
  const client = await lab.client(MAC);
  await client.namespace.must("ip", "address", "add", "10.80.0.20/24", "brd", "+", "dev", "eth0");
  const discover = requestHex({ type: 1, mac: MAC, options: UEFI_OPTIONS });
  const [offer] = await client.talk({
    port: 68,
    from: "10.80.0.20",
    send: [{ to: "255.255.255.255", toPort: 67, hex: discover }],
  });
  assert.deepEqual([offer?.from, offer?.port], [SERVER, 67]);
  assert.deepEqual(readReply(offer?.hex ?? "").options.get(53), Buffer.from([2]));
  const request = requestHex({
    type: 3,
    mac: MAC,
    ciaddr: "10.80.0.20",
    broadcast: false,
    options: UEFI_OPTIONS,
  });
  const [ack] = await client.talk({
    port: 4011,
    from: "10.80.0.20",
    send: [{ to: SERVER, toPort: 4011, hex: request }],
  });
  assert.deepEqual([ack?.from, ack?.port], [SERVER, 4011]);
  const reply = readReply(ack?.hex ?? "");
  assert.deepEqual(reply.options.get(53), Buffer.from([5]));
  assert.ok(reply.file.endsWith(".efi"), reply.file);
});

test("D-36, D-69 a request for somebody else's address is refused by broadcast", async (t) => {
  if (skipped(t)) return;
  const lab = await dhcpLab(t, { machines: [KNOWN] });
  const client = await lab.client("52:54:00:00:20:77");
  await client.namespace.must("ip", "address", "add", "10.80.0.77/24", "brd", "+", "dev", "eth0");
  const mac = MAC;
  const options = { 50: addressOption("10.80.0.99"), 54: addressOption(SERVER) };
  const [nak] = await client.talk({
    port: 68,
    from: "10.80.0.77",
    send: [{ to: "255.255.255.255", toPort: 67, hex: requestHex({ type: 3, mac, options }) }],
  });
  assert.deepEqual(readReply(nak?.hex ?? "").options.get(53), Buffer.from([6]));
});
