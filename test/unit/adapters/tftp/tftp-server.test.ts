import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { memoryFile } from "../../../../src/adapters/tftp/memory-file.ts";
import { TftpServer } from "../../../../src/adapters/tftp/tftp-server.ts";
import { configSchema, type TftpConfig } from "../../../../src/config/schema.ts";
import { decodeTftp, encodeTftp, type TftpPacket } from "../../../../src/protocol/tftp/packet.ts";
import type { TftpFiles, TftpTransferStats } from "../../../../src/services/tftp/files.ts";
import { KeptLog } from "../../../support/kept-log.ts";
import { receive } from "../../../support/tftp-receiver.ts";

const CONTENT = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256));
const FILES: Readonly<Record<string, Buffer>> = {
  "ipxe.efi": CONTENT,
  empty: Buffer.alloc(0),
  exact: CONTENT.subarray(0, 1024),
  text: Buffer.from("one\ntwo\r\n"),
};

interface Running {
  readonly server: TftpServer;
  readonly port: number;
  readonly ended: TftpTransferStats[];
  readonly log: KeptLog;
  reads: number;
}

async function serve(
  t: TestContext,
  over: Partial<TftpConfig> = {},
  files?: TftpFiles,
  monotonic: () => number = () => performance.now(),
): Promise<Running> {
  const config = { ...configSchema.parse({ tftp: { port: 0 } }).tftp, ...over };
  const ended: TftpTransferStats[] = [];
  const log = new KeptLog();
  const running = { ended, log, reads: 0 };
  const memory: TftpFiles = {
    open: (path) => {
      const content = FILES[path];
      if (path === "folder") return Promise.resolve({ kind: "denied", reason: "not a regular file" });
      if (!content) return Promise.resolve({ kind: "not-found" });
      const file = memoryFile(content);
      const read = (offset: number, length: number): Uint8Array | Promise<Uint8Array> => {
        running.reads += 1;
        return file.read(offset, length);
      };
      return Promise.resolve({ kind: "file", file: { ...file, read } });
    },
  };
  const server = new TftpServer({
    config,
    addresses: ["127.0.0.1"],
    files: files ?? memory,
    clock: { now: () => Date.now(), monotonic },
    log,
    onTransfer: (stats) => ended.push(stats),
  });
  await server.start();
  t.after(() => server.stop());
  const status = server.status();
  assert.ok(status.state === "listening");
  return Object.assign(running, { server, port: Number(/:(\d+)\/udp/.exec(status.endpoints[0] ?? "")?.[1]) });
}

/** A socket that collects what it is sent. */
class Raw {
  readonly socket: Socket = createSocket("udp4");
  readonly got: TftpPacket[] = [];
  readonly sizes: number[] = [];
  from = 0;

  constructor(t: TestContext) {
    t.after(() => this.socket.close());
    this.socket.on("message", (bytes, from) => {
      this.from = from.port;
      this.sizes.push(bytes.length);
      const packet = decodeTftp(bytes);
      if (packet.kind !== "malformed") this.got.push(packet);
    });
  }

  send(bytes: Uint8Array, port: number): void {
    this.socket.send(bytes, port, "127.0.0.1");
  }

  async next(count = 1): Promise<TftpPacket> {
    const deadline = performance.now() + 3000;
    while (this.got.length < count && performance.now() < deadline) await delay(5);
    return this.got[count - 1] ?? assert.fail("no answer");
  }
}

const rrq = (path: string, options: Record<string, string> = {}, mode = "octet"): Uint8Array =>
  encodeTftp({
    kind: "read",
    path,
    mode,
    options: Object.entries(options).map(([name, value]) => ({ name, value })),
  });

const settled = async (until: () => boolean): Promise<void> => {
  const deadline = performance.now() + 3000;
  while (!until() && performance.now() < deadline) await delay(5);
};

test("T-01, T-12 a file arrives whole from a port of its own", async (t) => {
  const { port, ended } = await serve(t);
  for (const path of ["ipxe.efi", "empty", "exact"]) {
    const got = await receive({ port, path });
    assert.equal(got.outcome, "complete", path);
    assert.deepEqual(got.bytes, FILES[path]);
    assert.notEqual(got.serverPort, port);
  }
  await settled(() => ended.length === 3);
  assert.deepEqual(
    ended.map(({ outcome, bytes }) => [outcome, bytes]),
    [
      ["complete", 100_000],
      ["complete", 0],
      ["complete", 1024],
    ],
  );
});

test("T-12 in single-port mode every answer comes from the server's port", async (t) => {
  const { port } = await serve(t, { singlePort: true });
  const many = await Promise.all(
    Array.from({ length: 10 }, () => receive({ port, path: "ipxe.efi", options: { blksize: "1468" } })),
  );
  for (const got of many) {
    assert.deepEqual(got.bytes, CONTENT);
    assert.equal(got.serverPort, port);
  }
});

test("T-02, T-03, T-04, T-05, T-06 the OACK grants what was asked, within the caps", async (t) => {
  const { port } = await serve(t);
  const asked = { tsize: "0", blksize: "65464", windowsize: "64", timeout: "3", multicast: "" };
  const got = await receive({ port, path: "ipxe.efi", options: asked });
  assert.deepEqual(got.oack, { tsize: "100000", blksize: "1468", windowsize: "16", timeout: "3" });
  assert.deepEqual(got.bytes, CONTENT);
  assert.equal(got.packets, 69);
});

test("T-08 duplicated ACKs cost no packet", async (t) => {
  const { port } = await serve(t);
  for (const windowsize of ["1", "8"]) {
    const options = { blksize: "512", windowsize };
    const got = await receive({ port, path: "ipxe.efi", options, duplicateAcks: 1 });
    assert.deepEqual(got.bytes, CONTENT);
    assert.equal(got.packets, 196);
  }
});

test("T-07 lost packets are repeated until the file is there", async (t) => {
  const { port } = await serve(t, { timeoutSeconds: 0.2 });
  const got = await receive({ port, path: "ipxe.efi", options: { windowsize: "8" }, loss: 0.03 });
  assert.equal(got.outcome, "complete");
  assert.deepEqual(got.bytes, CONTENT);
});

test("T-15, T-16, T-17, T-20, T-22, T-24 what cannot be served is refused at once with its code", async (t) => {
  const { port, ended } = await serve(t);
  const cases: readonly (readonly [Uint8Array, number])[] = [
    [rrq("missing"), 1],
    [rrq("folder"), 2],
    [rrq("../etc/passwd"), 2],
    [rrq("a\\..\\..\\b"), 2],
    [encodeTftp({ kind: "write", path: "ipxe.efi", mode: "octet", options: [] }), 2],
    [rrq("ipxe.efi", {}, "mail"), 4],
    [Buffer.from("\0\x01ipxe.efi"), 4],
    [Buffer.from("\0\x01ipxe.efi\0"), 4],
    [Buffer.from("\0\x01ipxe.efi\0octet\0blksize\0"), 4],
    [Buffer.from(`\0\x01${"a".repeat(600)}\0octet\0`), 4],
  ];
  for (const [request, code] of cases) {
    const raw = new Raw(t);
    raw.send(request, port);
    const answer = await raw.next();
    assert.ok(answer.kind === "error" && answer.code === code, JSON.stringify(answer));
  }
  assert.equal(ended.length, cases.length);
  assert.ok(ended.every(({ outcome }) => outcome === "refused"));
});

test("T-11 a stranger gets ERROR 5 and the transfer goes on", async (t) => {
  const { port } = await serve(t, {}, undefined, () => 0);
  const client = new Raw(t);
  const stranger = new Raw(t);
  client.send(rrq("exact"), port);
  await client.next();
  stranger.send(encodeTftp({ kind: "ack", block: 1 }), client.from);
  const refused = await stranger.next();
  assert.ok(refused.kind === "error" && refused.code === 5);
  stranger.send(encodeTftp({ kind: "error", code: 0, message: "die" }), client.from);
  client.send(encodeTftp({ kind: "ack", block: 1 }), client.from);
  const second = await client.next(2);
  assert.ok(second.kind === "data" && second.block === 2);
  assert.equal(stranger.got.length, 1);
});

test("T-18 EDK2's size probe and its abort cost neither a read nor a place nor a warning", async (t) => {
  const running = await serve(t);
  const options = { tsize: "0", blksize: "1468", windowsize: "4" };
  const got = await receive({ port: running.port, path: "ipxe.efi", options, abortWith: 8 });
  assert.deepEqual([got.outcome, got.oack?.["tsize"], got.packets], ["aborted", "100000", 0]);
  await settled(() => running.server.active === 0);
  assert.equal(running.server.active, 0);
  assert.equal(running.reads, 0);
  assert.equal(running.ended[0]?.outcome, "aborted");
  assert.deepEqual(running.ended[0].error, { code: 8, message: "User aborted the transfer" });
  assert.ok(running.log.lines.every(({ level }) => level === "info"));
});

test("T-19 a request repeated before the first ACK gets its OACK again from the same port", async (t) => {
  const { port, server } = await serve(t, {}, undefined, () => 0);
  const raw = new Raw(t);
  raw.send(rrq("ipxe.efi", { blksize: "1024" }), port);
  await raw.next();
  const transferPort = raw.from;
  raw.send(rrq("ipxe.efi", { blksize: "1024" }), port);
  const again = await raw.next(2);
  assert.equal(again.kind, "oack");
  assert.equal(raw.from, transferPort);
  assert.equal(server.active, 1);
});

test("T-19 after the first ACK a late duplicate changes nothing, and another file from the same port begins anew", async (t) => {
  const { port, server } = await serve(t, {}, undefined, () => 0);
  const raw = new Raw(t);
  raw.send(rrq("exact"), port);
  await raw.next();
  raw.send(encodeTftp({ kind: "ack", block: 1 }), raw.from);
  await raw.next(2);
  raw.send(rrq("exact"), port);
  await delay(30);
  assert.equal(raw.got.length, 2);
  raw.send(rrq("text"), port);
  const other = await raw.next(3);
  assert.ok(other.kind === "data" && other.data.length === 9);
  assert.equal(server.active, 1);
});

test("T-19 a duplicate of the request ends no transfer that still moves, however late it comes", async (t) => {
  let now = 0;
  const { port, server } = await serve(t, { abandonSeconds: 600 }, undefined, () => now);
  const raw = new Raw(t);
  raw.send(rrq("ipxe.efi"), port);
  await raw.next();
  for (let block = 1; block <= 4; block++) {
    now += 3000;
    raw.send(encodeTftp({ kind: "ack", block }), raw.from);
    await settled(() => raw.got.some((packet) => packet.kind === "data" && packet.block === block + 1));
  }
  const transferPort = raw.from;
  raw.send(rrq("ipxe.efi"), port);
  await delay(50);
  raw.send(encodeTftp({ kind: "ack", block: 5 }), transferPort);
  await settled(() => raw.got.some((packet) => packet.kind === "data" && packet.block === 6));
  assert.ok(raw.got.some((packet) => packet.kind === "data" && packet.block === 6));
  now += 6000;
  raw.got.length = 0;
  raw.send(rrq("ipxe.efi"), port);
  await settled(() => raw.got.some((packet) => packet.kind === "data" && packet.block === 1));
  assert.ok(raw.got.some((packet) => packet.kind === "data" && packet.block === 1));
  assert.equal(server.active, 1);
});

test("T-20 netascii converts line ends and promises no size", async (t) => {
  const { port } = await serve(t);
  const got = await receive({
    port,
    path: "text",
    mode: "NetASCII",
    options: { tsize: "0", blksize: "600", windowsize: "4" },
  });
  assert.deepEqual(got.oack, { blksize: "600" });
  assert.equal(got.bytes.toString("latin1"), "one\r\ntwo\r\0\r\n");
});

test("T-26 above a limit the server stays silent, and answers when a place is free", async (t) => {
  const { port, server } = await serve(t, { maxTransfers: 2 });
  const holders = [new Raw(t), new Raw(t)];
  for (const holder of holders) holder.send(rrq("ipxe.efi"), port);
  for (const holder of holders) await holder.next();
  const late = new Raw(t);
  late.send(rrq("exact"), port);
  await delay(60);
  assert.equal(late.got.length, 0);
  holders[0]!.send(encodeTftp({ kind: "error", code: 0, message: "" }), holders[0]!.from);
  await settled(() => server.active === 1);
  late.send(rrq("exact"), port);
  assert.equal((await late.next()).kind, "data");
});

test("T-26 one client cannot take every place", async (t) => {
  const { port, server } = await serve(t, { maxTransfersPerClient: 3 });
  for (let i = 0; i < 10; i++) new Raw(t).send(rrq("ipxe.efi"), port);
  await settled(() => server.active === 3);
  await delay(30);
  assert.equal(server.active, 3);
});

test("T-28 requests from addresses that never answer end by themselves and send little", async (t) => {
  const { port, server, ended } = await serve(t, { timeoutSeconds: 0.05, maxTransfersPerClient: 100 });
  const silent = Array.from({ length: 50 }, () => new Raw(t));
  for (const raw of silent) raw.send(rrq("ipxe.efi", { windowsize: "16" }), port);
  await settled(() => ended.length === 50);
  assert.equal(server.active, 0);
  for (const raw of silent) {
    assert.ok(raw.got.length <= 4);
    assert.ok(raw.sizes.reduce((sum, size) => sum + size, 0) <= 4 * 516);
  }
});

test("T-25 a file that becomes shorter ends its transfer with an ERROR", async (t) => {
  const shrinking: TftpFiles = {
    open: () =>
      Promise.resolve({
        kind: "file",
        file: { size: 5000, read: () => Promise.resolve(new Uint8Array(10)), close: () => undefined },
      }),
  };
  const { port, server } = await serve(t, {}, shrinking);
  const got = await receive({ port, path: "shrinking" });
  assert.deepEqual([got.outcome, got.error?.code], ["error", 0]);
  await settled(() => server.active === 0);
  assert.equal(server.active, 0);
});

test("T-15 a file system that throws is an ERROR for the client and a line for us", async (t) => {
  const broken: TftpFiles = { open: () => Promise.reject(new Error("disk on fire")) };
  const { port, log, server } = await serve(t, {}, broken);
  const got = await receive({ port, path: "any" });
  assert.deepEqual([got.outcome, got.error?.code], ["error", 0]);
  assert.ok(log.lines.some(({ level, message }) => level === "error" && message === "TFTP request failed"));
  assert.equal(server.active, 0);
});

test("T-28 stopping tells the clients and frees the port", async (t) => {
  const { port, server } = await serve(t);
  const raw = new Raw(t);
  raw.send(rrq("ipxe.efi"), port);
  await raw.next();
  await server.stop();
  const last = await raw.next(2);
  assert.ok(last.kind === "error");
  const again = createSocket("udp4");
  again.bind(port, "127.0.0.1");
  await once(again, "listening");
  again.close();
});
