import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { closeUdpSocket, isBindFailure, openUdpSocket } from "../../../../src/adapters/udp/udp-socket.ts";

test("D-71 another program's socket is noticed even when both would share the port", async (t) => {
  const script = [
    "const s = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true });",
    "s.bind(0, '0.0.0.0', () => console.log(s.address().port));",
    "setTimeout(() => process.exit(), 20000);",
  ];
  const { spawn } = await import("node:child_process");
  const other = spawn(process.execPath, ["-e", script.join("")], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => other.kill());
  const [line] = (await once(other.stdout, "data")) as [Buffer];
  const port = Number(line);
  const result = await openUdpSocket({ address: "0.0.0.0", port, shared: true });
  assert.ok(isBindFailure(result));
  assert.equal(result.kind, "port-taken");
  assert.match(result.message, new RegExp(`^UDP port ${port} is taken by .+, pid ${other.pid}\\.$`));
});

test("D-71 two sockets of ours share a port on different addresses", async () => {
  const wildcard = await openUdpSocket({ address: "0.0.0.0", port: 0, shared: true });
  assert.ok(!isBindFailure(wildcard));
  const { port } = wildcard.address();
  const own = await openUdpSocket({ address: "127.0.0.1", port, shared: true, besideOurs: true });
  assert.ok(!isBindFailure(own));
  await Promise.all([closeUdpSocket(wildcard), closeUdpSocket(own), closeUdpSocket(own)]);
});

test("D-71 an address this host does not have is one sentence", async () => {
  const result = await openUdpSocket({ address: "192.0.2.1", port: 0 });
  assert.ok(isBindFailure(result));
  assert.deepEqual(result, {
    kind: "no-such-address",
    message: "This host has no address 192.0.2.1: check network.address.",
  });
});

test("D-71 a missing right is one sentence with the fix", async (t) => {
  const lowest = Number(execFileSync("cat", ["/proc/sys/net/ipv4/ip_unprivileged_port_start"]).toString());
  if (lowest < 70) {
    t.skip("needs a kernel that guards ports below 1024");
    return;
  }
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65534);
  const result = await openUdpSocket({ address: "127.0.0.1", port: 69 });
  if (root) process.seteuid?.(0);
  if (!isBindFailure(result)) {
    await closeUdpSocket(result);
    t.skip("needs to run without the right to open port 69");
    return;
  }
  assert.equal(result.kind, "not-permitted");
  assert.match(result.message, /port 69: .*systemd unit.*sudo.*setcap/);
});

test("T-13 a closed socket may be closed again", async () => {
  const socket = createSocket("udp4");
  await closeUdpSocket(socket);
  await closeUdpSocket(socket);
});
