import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { DhcpServer } from "../../../../src/adapters/dhcp/dhcp-server.ts";
import { ConflictError } from "../../../../src/domain/errors.ts";
import type { DhcpDatagram, DhcpOutcome } from "../../../../src/services/dhcp/dhcp-service.ts";
import { KeptLog } from "../../../support/kept-log.ts";

const decision = {
  at: 0,
  client: "52:54:00:00:00:01",
  message: "DISCOVER",
  listener: "server",
  interfaceAddress: "127.0.0.1",
  because: "test",
} as const;

interface Running {
  readonly server: DhcpServer;
  readonly ports: readonly number[];
  readonly log: KeptLog;
}

async function serve(
  t: TestContext,
  answer: (datagram: DhcpDatagram) => Promise<DhcpOutcome>,
  config: { mode?: "off" | "server"; port?: number } = {},
): Promise<Running> {
  const log = new KeptLog();
  const server = new DhcpServer({
    service: { answer },
    config: { mode: config.mode ?? "server", port: config.port ?? 0, proxyPort: 0 },
    interfaceAddress: "127.0.0.1",
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    log,
  });
  await server.start();
  t.after(() => server.stop());
  const status = server.status();
  const endpoints = status.state === "listening" ? status.endpoints : [];
  return { server, log, ports: endpoints.map((endpoint) => Number(/:(\d+)\//.exec(endpoint)?.[1])) };
}

test("D-71 the answer leaves from the port and the address the datagram came to", async (t) => {
  const heard: DhcpDatagram[] = [];
  const { ports } = await serve(t, (datagram) => {
    heard.push(datagram);
    return Promise.resolve({ kind: "send", bytes: datagram.bytes, to: datagram.source, decision });
  });
  assert.equal(ports.length, 2);
  for (const [index, listener] of ["server", "boot-server"].entries()) {
    const client = createSocket("udp4");
    t.after(() => client.close());
    client.send("question", ports[index] ?? 0, "127.0.0.1");
    const [bytes, from] = (await once(client, "message")) as [Buffer, { address: string; port: number }];
    assert.equal(String(bytes), "question");
    assert.deepEqual([from.address, from.port], ["127.0.0.1", ports[index]]);
    assert.equal(heard[index]?.listener, listener);
    assert.equal(heard[index].interfaceAddress, "127.0.0.1");
  }
});

test("D-33 while the disk is slow the newest are kept and the oldest given up, with a warning", async (t) => {
  const release: (() => void)[] = [];
  const ignored: DhcpOutcome = { kind: "ignored", reason: "malformed" };
  let slow = true;
  const { server, ports, log } = await serve(t, () => {
    if (!slow) return Promise.resolve(ignored);
    return new Promise((resolve) => release.push(() => resolve(ignored)));
  });
  const client = createSocket("udp4");
  t.after(() => client.close());
  for (let i = 0; i < 6000; i++) {
    client.send("x", ports[0] ?? 0, "127.0.0.1");
    if (i % 100 === 0) await delay(1);
  }
  for (let i = 0; i < 200 && server.dropped === 0; i++) await delay(10);
  assert.equal(release.length, 1024);
  assert.ok(server.dropped > 0);
  assert.ok(log.lines.some(({ level, message }) => level === "warn" && message.includes("overloaded")));
  slow = false;
  for (const answer of release) answer();
});

test("D-33 an answer that fails is logged and the next datagram is answered", async (t) => {
  let calls = 0;
  const { ports, log } = await serve(t, (datagram) => {
    calls += 1;
    if (calls === 1) return Promise.reject(new Error("broken"));
    return Promise.resolve({ kind: "send", bytes: datagram.bytes, to: datagram.source, decision });
  });
  const client = createSocket("udp4");
  t.after(() => client.close());
  client.send("first", ports[0] ?? 0, "127.0.0.1");
  client.send("second", ports[0] ?? 0, "127.0.0.1");
  const [bytes] = (await once(client, "message")) as [Buffer];
  assert.equal(String(bytes), "second");
  assert.ok(log.lines.some(({ message }) => message === "DHCP datagram failed"));
});

test("D-71 mode off opens nothing; a taken port is refused naming the port", async (t) => {
  const ignored = (): Promise<DhcpOutcome> => Promise.resolve({ kind: "ignored", reason: "malformed" });
  const off = await serve(t, ignored, { mode: "off" });
  assert.equal(off.server.status().state, "off");
  const holder = createSocket({ type: "udp4", reuseAddr: true });
  t.after(() => holder.close());
  holder.bind(0, "0.0.0.0");
  await once(holder, "listening");
  const { port } = holder.address();
  await assert.rejects(serve(t, ignored, { port }), (error) => {
    assert.ok(error instanceof ConflictError);
    assert.match(error.message, new RegExp(`^DHCP cannot start\\. UDP port ${port} is taken by `));
    return true;
  });
});

test("D-71 stopping waits for answers under way and frees the ports", async (t) => {
  let answer: (() => void) | undefined;
  const { server, ports } = await serve(
    t,
    () => new Promise((resolve) => (answer = () => resolve({ kind: "ignored", reason: "malformed" }))),
  );
  const client = createSocket("udp4");
  t.after(() => client.close());
  client.send("x", ports[0] ?? 0, "127.0.0.1");
  for (let i = 0; i < 100 && !answer; i++) await delay(5);
  let stopped = false;
  const stopping = server.stop().then(() => (stopped = true));
  await delay(20);
  assert.equal(stopped, false);
  answer?.();
  await stopping;
  const again = createSocket("udp4");
  again.bind(ports[0] ?? 0, "127.0.0.1");
  await once(again, "listening");
  again.close();
});
