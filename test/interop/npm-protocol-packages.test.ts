/** The experiments behind docs/adr/0001: what the `dhcp` and `tftp` packages of npm do on a boot network. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { dhcpLab, type LabClient, SERVER } from "../support/dhcp-lab.ts";
import { readReply, requestHex, UEFI_OPTIONS } from "../support/dhcp-packets.ts";
import { type Daemon, needsPrograms, needsRoot } from "../support/netns.ts";
import { type Received, type ReceiverOptions, receive } from "../support/tftp-receiver.ts";

const program = (name: string): string => new URL(`../support/programs/${name}`, import.meta.url).pathname;
const MAC = "52:54:00:00:40:01";
const PLAIN = requestHex({ type: 1, mac: MAC, options: { 55: "0103060f" } });
const GENUINE_PXE = requestHex({ type: 1, mac: MAC, options: UEFI_OPTIONS });

interface DhcpBed {
  readonly server: Daemon;
  readonly client: LabClient;
}

async function dhcpBed(t: TestContext, ...args: readonly string[]): Promise<DhcpBed> {
  const lab = await dhcpLab(t, { withoutAppliance: true });
  await lab.server.must("ip", "route", "add", "default", "dev", "br0");
  const server = lab.server.spawn(process.execPath, [program("npm-dhcp-server.cjs"), SERVER, ...args]);
  await server.waitFor(/listening/);
  const client = await lab.client(MAC);
  await client.namespace.must("ip", "address", "add", "10.80.0.9/24", "brd", "+", "dev", "eth0");
  return { server, client };
}

async function offersFor(client: LabClient, hex: string): Promise<readonly string[]> {
  const send = [{ to: "255.255.255.255", toPort: 67, hex }];
  const got = await client.talk({ port: 68, from: "10.80.0.9", send, wait: 800 });
  return got.map((reply) => readReply(reply.hex).yiaddr);
}

test("the dhcp package of npm answers a plain DISCOVER", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "ip", "nsenter")) return;
  const { server, client } = await dhcpBed(t, "with-error-listener");
  assert.equal((await offersFor(client, PLAIN)).length, 1);
  assert.equal(server.child.exitCode, null);
});

for (const listener of [[], ["with-error-listener"]]) {
  const how = listener.length > 0 ? "even with an error listener" : "without an error listener";
  test(`the dhcp package of npm ends its process on a genuine PXE DISCOVER, ${how}`, async (t) => {
    if (needsRoot(t) || needsPrograms(t, "ip", "nsenter")) return;
    const { server, client } = await dhcpBed(t, ...listener);
    assert.deepEqual(await offersFor(client, GENUINE_PXE), []);
    await delay(200);
    assert.notEqual(server.child.exitCode, null, server.output());
    assert.notEqual(server.child.exitCode, 0);
  });
}

test("P-01, P-05 our server answers the same DISCOVER", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "ip", "nsenter")) return;
  const lab = await dhcpLab(t, { machines: [{ name: "kube0", spec: { mac: MAC, address: "10.80.0.40" } }] });
  const client = await lab.client(MAC);
  await client.namespace.must("ip", "address", "add", "10.80.0.9/24", "brd", "+", "dev", "eth0");
  assert.deepEqual(await offersFor(client, GENUINE_PXE), ["10.80.0.40"]);
});

const SIZE = 1_000_000;
const BLOCK = "1400";
const IDEAL = Math.floor(SIZE / Number(BLOCK)) + 1;

interface TftpBed {
  readonly port: number;
  readonly server: ChildProcess;
  fetch(options: Partial<ReceiverOptions>): Promise<Received>;
}

async function tftpBed(t: TestContext, whose: "npm" | "ours"): Promise<TftpBed> {
  const root = await mkdtemp(join(tmpdir(), "muster-npm-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  await writeFile(join(root, "file"), randomBytes(SIZE));
  const port = await freePort();
  const settings = JSON.stringify({ directory: root, address: "127.0.0.1", tftp: { port } });
  const args =
    whose === "npm"
      ? ["--no-deprecation", program("npm-tftp-server.cjs"), String(port), root]
      : [program("tftp-appliance.ts"), settings];
  const server = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => server.kill("SIGKILL"));
  await once(server.stdout, "data");
  const fetch = (options: Partial<ReceiverOptions>): Promise<Received> =>
    receive({ port, path: "file", options: { blksize: BLOCK }, timeout: 8000, ...options });
  return { port, server, fetch };
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

const sound = ({ outcome, bytes, packets }: Received): boolean =>
  outcome === "complete" && bytes.length === SIZE && packets <= 1.1 * IDEAL;

test("the tftp package of npm serves a clean line", async (t) => {
  assert.ok(sound(await (await tftpBed(t, "npm")).fetch({})));
});

test("the tftp package of npm does not get through duplicated ACKs", async (t) => {
  const got = await (await tftpBed(t, "npm")).fetch({ duplicateAcks: 1 });
  t.diagnostic(`${got.outcome} after ${got.bytes.length} bytes and ${got.packets} packets (ideal ${IDEAL})`);
  assert.ok(!sound(got));
});

test("the tftp package of npm stalls on 1 % loss", async (t) => {
  const got = await (await tftpBed(t, "npm")).fetch({ loss: 0.01 });
  t.diagnostic(`${got.outcome} after ${got.bytes.length} bytes and ${got.packets} packets (ideal ${IDEAL})`);
  assert.ok(!sound(got));
});

test("the tftp package of npm ends its process on one octet sent to a transfer's port", async (t) => {
  const bed = await tftpBed(t, "npm");
  const ended = once(bed.server, "exit");
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  socket.once("message", (_bytes, from) => socket.send("x", from.port, from.address));
  socket.send(Buffer.from("\0\x01file\0octet\0"), bed.port, "127.0.0.1");
  const [code] = (await Promise.race([ended, delay(5000, ["alive"])])) as [unknown];
  assert.ok(code !== "alive" && code !== 0, String(code));
});

test("T-07, T-08, T-11 our server gets through the same duplicates, loss and stray octet", async (t) => {
  const bed = await tftpBed(t, "ours");
  for (const trouble of [{ duplicateAcks: 1 }, { loss: 0.01 }]) {
    const got = await bed.fetch({ ...trouble, timeout: 15_000 });
    assert.ok(sound(got), `${got.outcome}, ${got.packets} packets (ideal ${IDEAL})`);
  }
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  socket.once("message", (_bytes, from) => socket.send("x", from.port, from.address));
  socket.send(Buffer.from("\0\x01file\0octet\0"), bed.port, "127.0.0.1");
  await delay(200);
  assert.ok(sound(await bed.fetch({})));
});
