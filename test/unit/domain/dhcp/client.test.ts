import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigInput } from "../../../../src/config/schema.ts";
import { OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import { textBytes } from "../../../../src/protocol/dhcp/options.ts";
import {
  type ClientPacket,
  DhcpBench,
  LAN,
  MAC,
  MACHINE_ID,
  OTHER_MAC,
} from "../../../support/dhcp-client.ts";

const GUID = Uint8Array.from({ length: 16 }, (_, index) => 0xa0 + index);

function matchingBy(matchBy: "mac" | "client-id", more: ConfigInput["dhcp"] = {}): ConfigInput {
  return { ...LAN, dhcp: { ...LAN.dhcp, matchBy, ...more } };
}

function withId(...octets: number[]): ClientPacket {
  return { options: { [OPTION.clientId]: Uint8Array.from(octets) } };
}

test("D-62 by client id the lease goes under option 61, and under chaddr without one", async () => {
  const bench = await DhcpBench.start(matchingBy("client-id"));
  await bench.lease(withId(1, 0xaa));
  await bench.lease({ mac: OTHER_MAC });
  assert.deepEqual(
    bench.service.leases().map(({ client }) => client),
    ["id:01aa", `mac:${OTHER_MAC}`],
  );
});

test("D-63 by hardware address ROM, iPXE, installer and system have one lease", async () => {
  const bench = await DhcpBench.start(matchingBy("mac"));
  const stages = [withId(0, ...GUID), withId(1, 0x52, 0x54, 0, 0x12, 0x34, 1), {}, withId(255, 9, 9)];
  const addresses = new Set<string>();
  for (const stage of stages) addresses.add((await bench.lease(stage)).yiaddr);
  assert.deepEqual([...addresses], ["10.0.0.100"]);
  assert.equal(bench.service.leases().length, 1);
});

test("D-63 by client id every identifier is a client of its own, but a machine is always its MAC", async () => {
  const bench = await DhcpBench.start(matchingBy("client-id"));
  assert.equal((await bench.lease(withId(1, 1))).yiaddr, "10.0.0.100");
  assert.equal((await bench.lease(withId(2, 2))).yiaddr, "10.0.0.101");
  bench.register("kube1", { mac: OTHER_MAC });
  const first = await bench.lease({ mac: OTHER_MAC, ...withId(1, 3) });
  const second = await bench.lease({ mac: OTHER_MAC, ...withId(2, 4) });
  assert.equal(second.yiaddr, first.yiaddr);
});

test("D-64 one client id on two NICs is two clients by hardware address and one by client id", async () => {
  const clone = withId(1, 7, 7);
  const byMac = await DhcpBench.start(matchingBy("mac"));
  await byMac.lease(clone);
  await byMac.lease({ ...clone, mac: OTHER_MAC });
  assert.equal(byMac.service.leases().length, 2);
  const byId = await DhcpBench.start(matchingBy("client-id"));
  await byId.lease(clone);
  await byId.lease({ ...clone, mac: OTHER_MAC });
  assert.equal(byId.service.leases().length, 1);
});

test("D-65 a client that sent an identifier once and none now keeps its lease", async () => {
  const bench = await DhcpBench.start(matchingBy("client-id"));
  const { yiaddr } = await bench.lease(withId(1, 0xaa));
  assert.equal((await bench.lease()).yiaddr, yiaddr);
});

test("D-65 a machine registered after its lease began keeps its address", async () => {
  const bench = await DhcpBench.start(matchingBy("client-id"));
  const { yiaddr } = await bench.lease(withId(1, 0xaa));
  bench.register("kube0", { mac: MAC });
  assert.equal((await bench.lease(withId(1, 0xaa))).yiaddr, yiaddr);
});

test("D-66, D-80 reservations are found by MAC, client id, UUID and circuit id", async () => {
  const reservations = [
    { address: "10.0.0.11", mac: "52-54-00-12-34-02" },
    { address: "10.0.0.12", clientId: "01AABB" },
    { address: "10.0.0.13", uuid: "04030201-0605-0807-090a-0b0c0d0e0f10" },
    { address: "10.0.0.14", circuitId: "65746831" },
  ];
  const bench = await DhcpBench.start(matchingBy("mac", { reservations, unknown: "ignore" }));
  assert.equal((await bench.lease({ mac: OTHER_MAC })).yiaddr, "10.0.0.11");
  assert.equal((await bench.lease(withId(1, 0xaa, 0xbb))).yiaddr, "10.0.0.12");
  const uuid = { mac: "52:54:00:00:00:07", options: { [OPTION.clientMachineId]: MACHINE_ID } };
  assert.equal((await bench.lease(uuid)).yiaddr, "10.0.0.13");
  const agent = { [OPTION.relayAgent]: Uint8Array.of(1, 4, ...textBytes("eth1")) };
  const port = { giaddr: "10.0.0.254", options: agent };
  assert.equal((await bench.lease({ ...port, mac: "52:54:00:00:00:08" })).yiaddr, "10.0.0.14");
  assert.equal(await bench.silence({ mac: "52:54:00:00:00:09" }), "unknown-machine");
});

test("D-80 the address of a circuit follows the port when the machine behind it is changed", async () => {
  const reservations = [{ address: "10.0.0.14", circuitId: "65746831" }];
  const bench = await DhcpBench.start(matchingBy("mac", { reservations }));
  const agent = { [OPTION.relayAgent]: Uint8Array.of(1, 4, ...textBytes("eth1")) };
  const port = { giaddr: "10.0.0.254", options: agent };
  assert.equal((await bench.lease({ ...port, mac: MAC })).yiaddr, "10.0.0.14");
  assert.equal((await bench.lease({ ...port, mac: OTHER_MAC })).yiaddr, "10.0.0.14");
  assert.equal((await bench.lease({ giaddr: "10.0.0.254", mac: MAC })).yiaddr, "10.0.0.100");
});

test("D-66 each NIC of a machine has the address that its spec gives it", async () => {
  const bench = await DhcpBench.start();
  const interfaces = [{ mac: OTHER_MAC, address: "10.0.0.61/24" }];
  bench.register("kube0", { mac: MAC, address: "10.0.0.60", interfaces });
  assert.equal((await bench.lease()).yiaddr, "10.0.0.60");
  assert.equal((await bench.lease({ mac: OTHER_MAC })).yiaddr, "10.0.0.61");
});

test("D-17 InfiniBand clients are known by their client id, answered by broadcast, and unheard without one", async () => {
  const bench = await DhcpBench.start();
  const infiniband = { htype: 32, hlen: 0, chaddr: new Uint8Array(16) };
  const ack = await bench.lease({ ...infiniband, ...withId(255, 1, 2, 3) });
  assert.equal(ack.to, "255.255.255.255:68");
  assert.equal(bench.service.leases()[0]?.client, "id:ff010203");
  assert.equal(await bench.silence(infiniband), "no-client-identity");
});

test("D-18 a GUID as hardware address is accepted", async () => {
  const bench = await DhcpBench.start();
  await bench.lease({ htype: 255, hlen: 16, chaddr: GUID });
  assert.equal(bench.service.leases()[0]?.client, `hw:255:${Buffer.from(GUID).toString("hex")}`);
});

test("D-17 a hardware address of zeros names nobody", async () => {
  const bench = await DhcpBench.start();
  assert.equal(await bench.silence({ chaddr: new Uint8Array(6) }), "no-client-identity");
});
