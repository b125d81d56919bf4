import assert from "node:assert/strict";
import { test } from "node:test";
import { inheritedSockets, socketPurposes } from "../../../../src/adapters/udp/inherited-sockets.ts";

test("D-82 sockets of systemd are taken with their names, by the process they are meant for", () => {
  const environment = { LISTEN_PID: "42", LISTEN_FDS: "3", LISTEN_FDNAMES: "dhcp-eth1:tftp:https" };
  const sockets = inheritedSockets(environment, 42);
  assert.deepEqual(sockets, [
    { fd: 3, name: "dhcp-eth1" },
    { fd: 4, name: "tftp" },
    { fd: 5, name: "https" },
  ]);
  assert.deepEqual(inheritedSockets(environment, 43), []);
  assert.deepEqual(inheritedSockets({ LISTEN_PID: "42", LISTEN_FDS: "x" }, 42), []);
  assert.deepEqual(inheritedSockets({}, 42), []);
});

test("D-82 names say the service and the interface; others belong to somebody else", () => {
  const named = ["dhcp-eth1", "proxy-enp1s0f0", "tftp", "syslog", "https", "dhcp-", "tftp-a/b"];
  assert.deepEqual(socketPurposes(named.map((name, i) => ({ fd: 3 + i, name }))), [
    { fd: 3, service: "dhcp", interface: "eth1" },
    { fd: 4, service: "proxy", interface: "enp1s0f0" },
    { fd: 5, service: "tftp" },
    { fd: 6, service: "syslog" },
  ]);
});
