import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigInput } from "../../../../src/config/schema.ts";
import { ipv4ToBytes } from "../../../../src/net/ipv4.ts";
import { MESSAGE_TYPE, OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import {
  type ClientPacket,
  DhcpBench,
  ip,
  MAC,
  OTHER_MAC,
  SERVER,
  selecting,
} from "../../../support/dhcp-client.ts";

/** A local network, one behind a relay, and one behind a relay whose address lies elsewhere. */
const RACKS: ConfigInput = {
  network: {
    address: SERVER,
    subnets: [
      { cidr: "10.0.0.0/24", pools: [{ from: "10.0.0.100", to: "10.0.0.109" }] },
      {
        cidr: "10.0.2.0/24",
        router: "10.0.2.1",
        pools: [{ from: "10.0.2.100", to: "10.0.2.109" }],
        bootServer: "192.0.2.9",
      },
      { cidr: "10.0.3.0/24", pools: [{ from: "10.0.3.100", to: "10.0.3.109" }], relays: ["172.16.0.3"] },
    ],
  },
  dhcp: { mode: "server", unknown: "discover" },
};

/** Two networks on one wire; the first has one address. */
const SHARED: ConfigInput = {
  network: {
    address: SERVER,
    subnets: [
      { cidr: "10.0.0.0/24", router: "10.0.0.254", pools: [{ from: "10.0.0.100", to: "10.0.0.100" }] },
      {
        cidr: "10.0.1.0/25",
        router: "10.0.1.126",
        pools: [{ from: "10.0.1.100", to: "10.0.1.109" }],
        sharedWith: "10.0.0.0/24",
      },
    ],
  },
  dhcp: { mode: "server", unknown: "discover" },
};

function agent(...octets: number[]): NonNullable<ClientPacket["options"]> {
  return { [OPTION.relayAgent]: Uint8Array.from(octets) };
}

test("D-73, D-67 a relayed client gets an address of the relay's network, answered to the relay's port 67", async () => {
  const bench = await DhcpBench.start(RACKS);
  const offer = await bench.ask({ giaddr: "10.0.2.1" }, { source: { address: "10.0.2.1", port: 67 } });
  assert.equal(offer.yiaddr, "10.0.2.100");
  assert.equal(offer.to, "10.0.2.1:67");
  assert.equal(offer.packet.options.ipv4(OPTION.serverId), ip("192.0.2.9"));
  assert.equal((await bench.ask({ giaddr: "172.16.0.3", mac: OTHER_MAC })).yiaddr, "10.0.3.100");
});

test("D-74 option 82 comes back byte for byte as the last option, empty ones do not", async () => {
  const bench = await DhcpBench.start(RACKS);
  const value = [1, 2, 7, 7, 2, 1, 0, 200, 1, 5];
  const offer = await bench.ask({ giaddr: "10.0.2.1", options: { ...agent(...value), 55: [1, 3, 6] } });
  assert.deepEqual([...offer.packet.options.get(OPTION.relayAgent)!], value);
  assert.equal([...offer.packet.options.codes()].at(-1), OPTION.relayAgent);
  const empty = await bench.ask({ giaddr: "10.0.2.1", options: agent() });
  assert.equal(empty.packet.options.has(OPTION.relayAgent), false);
});

test("D-75 option 82 without a relay is believed only by setting", async () => {
  const selection = agent(5, 4, 10, 0, 2, 0);
  const careful = await DhcpBench.start(RACKS);
  assert.equal((await careful.ask({ options: selection })).yiaddr, "10.0.0.100");
  const trusting = { ...RACKS, dhcp: { ...RACKS.dhcp, trustAgentOptionWithoutRelay: true } };
  const bold = await DhcpBench.start(trusting);
  assert.equal((await bold.ask({ options: selection })).yiaddr, "10.0.2.100");
});

test("D-76 link selection chooses the network, and giaddr stays the destination", async () => {
  const bench = await DhcpBench.start(RACKS);
  const offer = await bench.ask({ giaddr: "10.0.3.1", options: agent(5, 4, 10, 0, 2, 0) });
  assert.equal(offer.yiaddr, "10.0.2.100");
  assert.equal(offer.to, "10.0.3.1:67");
  const nowhere = { giaddr: "10.0.3.1", options: agent(5, 4, 10, 9, 9, 0) };
  assert.equal(await bench.silence(nowhere), "no-subnet");
});

test("D-77 subnet selection chooses the network and is given back; link selection wins over it", async () => {
  const bench = await DhcpBench.start(RACKS);
  const select = { [OPTION.subnetSelection]: "10.0.3.0" };
  const offer = await bench.ask({ options: select });
  assert.equal(offer.yiaddr, "10.0.3.100");
  assert.deepEqual([...offer.packet.options.get(OPTION.subnetSelection)!], [...ipv4ToBytes(ip("10.0.3.0"))]);
  const both = { giaddr: "10.0.3.1", options: { ...select, ...agent(5, 4, 10, 0, 2, 0) } };
  assert.equal((await bench.ask({ ...both, mac: OTHER_MAC })).yiaddr, "10.0.2.100");
});

test("D-78 with server id override replies carry the relay's value, and a REQUEST with it is ours", async () => {
  const bench = await DhcpBench.start(RACKS);
  const fields = { giaddr: "10.0.2.1", options: agent(11, 4, 10, 0, 2, 1) };
  const offer = await bench.ask(fields);
  assert.equal(offer.packet.options.ipv4(OPTION.serverId), ip("10.0.2.1"));
  const ack = await bench.ask(selecting(offer, fields));
  assert.equal(ack.type, MESSAGE_TYPE.ack);
  assert.equal(ack.packet.options.ipv4(OPTION.serverId), ip("10.0.2.1"));
});

test("D-79 a relay of no configured network is silence", async () => {
  const bench = await DhcpBench.start(RACKS);
  assert.equal(await bench.silence({ giaddr: "10.9.9.1" }), "unknown-relay");
  assert.equal(await bench.silence({ giaddr: "255.255.255.255" }), "unknown-relay");
  assert.equal(bench.service.counters()["ignored:unknown-relay"], 2);
  assert.equal(bench.service.decisionsFor(MAC)[0]?.giaddr, "10.9.9.1");
});

test("D-79 an interface of no configured network is silence", async () => {
  const bench = await DhcpBench.start(RACKS);
  assert.equal(await bench.silence({}, { interfaceAddress: "192.168.1.1" }), "no-subnet");
});

test("D-81 a packet that more than 16 relays passed on is dropped", async () => {
  const bench = await DhcpBench.start(RACKS);
  assert.equal(await bench.silence({ hops: 17, giaddr: "10.0.2.1" }), "too-many-hops");
  assert.equal((await bench.ask({ hops: 16, giaddr: "10.0.2.1" })).type, MESSAGE_TYPE.offer);
});

test("D-82 when the first network of a wire is full the second gives its address, its router and its mask", async () => {
  const bench = await DhcpBench.start(SHARED);
  const first = await bench.lease({ options: { 55: [1, 3] } });
  assert.equal(first.yiaddr, "10.0.0.100");
  assert.equal(first.packet.options.ipv4(OPTION.routers), ip("10.0.0.254"));
  const second = await bench.lease({ mac: OTHER_MAC, options: { 55: [1, 3] } });
  assert.equal(second.yiaddr, "10.0.1.100");
  assert.equal(second.packet.options.ipv4(OPTION.routers), ip("10.0.1.126"));
  assert.equal(second.packet.options.ipv4(OPTION.subnetMask), ip("255.255.255.128"));
});

test("D-83 a client in the second network of a wire renews and reboots there", async () => {
  const bench = await DhcpBench.start(SHARED);
  await bench.lease();
  const { yiaddr } = await bench.lease({ mac: OTHER_MAC });
  const renewal = await bench.ask({ type: "request", mac: OTHER_MAC, ciaddr: yiaddr });
  assert.equal(renewal.type, MESSAGE_TYPE.ack);
  const options = { [OPTION.requestedAddress]: yiaddr };
  assert.equal((await bench.ask({ type: "request", mac: OTHER_MAC, options })).type, MESSAGE_TYPE.ack);
});

test("D-73 a machine that moves to another network gets an address there and keeps none of the old", async () => {
  const bench = await DhcpBench.start(RACKS);
  const here = await bench.lease();
  const there = await bench.lease({ giaddr: "10.0.2.1" });
  assert.equal(there.yiaddr, "10.0.2.100");
  const options = { [OPTION.requestedAddress]: here.yiaddr };
  const nak = await bench.ask({ type: "request", giaddr: "10.0.2.1", options });
  assert.equal(nak.type, MESSAGE_TYPE.nak);
  assert.equal((await bench.lease()).yiaddr, here.yiaddr);
});

test("D-86 pools for known and for unknown clients are kept apart", async () => {
  const pools = [
    { from: "10.0.0.100", to: "10.0.0.100", clients: "known" },
    { from: "10.0.0.200", to: "10.0.0.200", clients: "unknown" },
  ] as const;
  const network = { address: SERVER, subnets: [{ cidr: "10.0.0.0/24", pools: [...pools] }] };
  const bench = await DhcpBench.start({ network, dhcp: { mode: "server", unknown: "discover" } });
  bench.register("kube0", { mac: MAC });
  assert.equal((await bench.lease()).yiaddr, "10.0.0.100");
  assert.equal((await bench.lease({ mac: OTHER_MAC })).yiaddr, "10.0.0.200");
  assert.equal(await bench.silence({ mac: "52:54:00:00:00:03" }), "pool-exhausted");
  bench.register("kube1", { mac: OTHER_MAC });
  const renewal = await bench.ask({ type: "request", mac: OTHER_MAC, ciaddr: "10.0.0.200" });
  assert.equal(renewal.type, MESSAGE_TYPE.nak, "an approved machine leaves the pool of strangers");
});
