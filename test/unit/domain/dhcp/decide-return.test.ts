import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigInput } from "../../../../src/config/schema.ts";
import { MESSAGE_TYPE, OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import { type ClientPacket, DhcpBench, LAN, MAC, OTHER_MAC, SERVER } from "../../../support/dhcp-client.ts";

function decline(address: string | undefined, fields: ClientPacket = {}): ClientPacket {
  const wanted = address === undefined ? {} : { [OPTION.requestedAddress]: address };
  const options = { [OPTION.serverId]: SERVER, ...wanted, ...fields.options };
  return { ...fields, type: "decline", options };
}

function release(address: string | undefined, fields: ClientPacket = {}): ClientPacket {
  const options = { [OPTION.serverId]: SERVER, ...fields.options };
  return { ...fields, type: "release", options, ...(address === undefined ? {} : { ciaddr: address }) };
}

function lanWithPool(from: string, to: string): ConfigInput {
  const [subnet] = LAN.network!.subnets!;
  return { ...LAN, network: { address: SERVER, subnets: [{ ...subnet!, pools: [{ from, to }] }] } };
}

test("D-53 a declined address rests and is offered to nobody", async () => {
  const bench = await DhcpBench.start(lanWithPool("10.0.0.100", "10.0.0.101"));
  const { yiaddr } = await bench.lease();
  assert.equal(await bench.silence(decline(yiaddr)), "declined");
  assert.equal((await bench.store.leases.all())[0]?.state, "declined");
  assert.equal((await bench.lease()).yiaddr, "10.0.0.101");
  assert.equal(await bench.silence({ mac: OTHER_MAC }), "pool-exhausted");
  bench.clock.advance(86_400_000 + 1);
  assert.equal((await bench.lease({ mac: OTHER_MAC })).yiaddr, "10.0.0.101");
  assert.equal((await bench.lease({ mac: "52:54:00:12:34:03" })).yiaddr, yiaddr);
});

test("D-53 the client that declined an address cannot come back to it while it rests", async () => {
  const bench = await DhcpBench.start();
  const { yiaddr } = await bench.lease();
  await bench.silence(decline(yiaddr));
  const reboot = await bench.ask({ type: "request", options: { [OPTION.requestedAddress]: yiaddr } });
  assert.equal(reboot.type, MESSAGE_TYPE.nak);
});

test("D-53 a declined reservation rests ten minutes only, and its client gets another address meanwhile", async () => {
  const bench = await DhcpBench.start();
  bench.register("kube0", { mac: MAC, address: "10.0.0.50" });
  assert.equal((await bench.lease()).yiaddr, "10.0.0.50");
  await bench.silence(decline("10.0.0.50"));
  assert.equal((await bench.lease()).yiaddr, "10.0.0.100");
  bench.clock.advance(601_000);
  assert.equal((await bench.lease()).yiaddr, "10.0.0.50");
});

test("D-54 a DECLINE that fits no lease of its client is ignored", async () => {
  const bench = await DhcpBench.start();
  const mine = await bench.lease();
  const theirs = await bench.lease({ mac: OTHER_MAC });
  assert.equal(await bench.silence(decline(theirs.yiaddr)), "decline-refused");
  assert.equal(await bench.silence(decline(undefined)), "decline-refused");
  const elsewhere = decline(mine.yiaddr, { options: { [OPTION.serverId]: "10.0.0.77" } });
  assert.equal(await bench.silence(elsewhere), "decline-refused");
  bench.clock.advance(3_600_000);
  assert.equal(await bench.silence(decline(mine.yiaddr)), "decline-refused");
  assert.deepEqual(
    bench.service.leases().map(({ state }) => state),
    ["bound", "bound"],
  );
});

test("D-55 one client cannot empty a pool by declining", async () => {
  const bench = await DhcpBench.start(lanWithPool("10.0.0.100", "10.0.0.139"));
  for (let round = 0; round < 10; round++) await bench.silence(decline((await bench.lease()).yiaddr));
  const declined = bench.service.leases().filter(({ state }) => state === "declined");
  assert.equal(declined.length, 3);
});

test("D-55 all clients together cannot decline more than a quarter of the pools", async () => {
  const bench = await DhcpBench.start(lanWithPool("10.0.0.100", "10.0.0.139"));
  for (let client = 16; client < 46; client++) {
    const mac = `52:54:00:00:00:${client.toString(16)}`;
    await bench.silence(decline((await bench.lease({ mac })).yiaddr, { mac }));
  }
  const declined = bench.service.leases().filter(({ state }) => state === "declined");
  assert.equal(declined.length, 10);
});

test("D-56 a released address is free at once, and its client gets it again while it is", async () => {
  const bench = await DhcpBench.start(lanWithPool("10.0.0.100", "10.0.0.101"));
  const { yiaddr } = await bench.lease();
  assert.equal(await bench.silence(release(yiaddr)), "released");
  assert.equal((await bench.store.leases.all())[0]?.state, "released");
  assert.equal((await bench.lease({ mac: OTHER_MAC })).yiaddr, "10.0.0.101");
  assert.equal((await bench.lease()).yiaddr, yiaddr);
});

test("D-57 a RELEASE by another client, without an address or for another server is ignored", async () => {
  const bench = await DhcpBench.start();
  const { yiaddr } = await bench.lease();
  assert.equal(await bench.silence(release(yiaddr, { mac: OTHER_MAC })), "release-refused");
  assert.equal(await bench.silence(release(undefined)), "release-refused");
  const elsewhere = release(yiaddr, { options: { [OPTION.serverId]: "10.0.0.77" } });
  assert.equal(await bench.silence(elsewhere), "release-refused");
  assert.equal(bench.service.leases()[0]?.state, "bound");
  assert.equal(bench.service.counters()["ignored:release-refused"], 3);
});
