import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigInput } from "../../../../src/config/schema.ts";
import { formatIpv4 } from "../../../../src/net/ipv4.ts";
import { MESSAGE_TYPE, OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import {
  type ClientPacket,
  DhcpBench,
  LAN,
  MAC,
  OTHER_MAC,
  type Received,
  SERVER,
  selecting,
} from "../../../support/dhcp-client.ts";

const AUTHORITATIVE: ConfigInput = { ...LAN, dhcp: { ...LAN.dhcp, authoritative: true } };

/** INIT-REBOOT: the client names the address that it remembers. */
function reboot(address: string, fields: ClientPacket = {}): ClientPacket {
  return { ...fields, type: "request", options: { ...fields.options, [OPTION.requestedAddress]: address } };
}

/** RENEWING and REBINDING: the client uses the address. */
function renew(address: string, fields: ClientPacket = {}): ClientPacket {
  return { ...fields, type: "request", ciaddr: address };
}

function isNak(reply: Received, because?: string): void {
  assert.equal(reply.type, MESSAGE_TYPE.nak);
  if (because !== undefined) assert.equal(reply.packet.options.text(OPTION.message), because);
}

test("D-34 SELECTING for us is acknowledged after the commit", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask();
  let stored = 0;
  const commit = bench.store.leases.commit.bind(bench.store.leases);
  bench.store.leases.commit = async (records) => {
    await commit(records);
    stored += records.length;
  };
  const ack = await bench.ask(selecting(offer));
  assert.equal(stored, 1);
  assert.equal(ack.type, MESSAGE_TYPE.ack);
  assert.equal(ack.yiaddr, offer.yiaddr);
  const [record] = await bench.store.leases.all();
  assert.equal(record?.address, offer.yiaddr);
  assert.equal(record.client, `mac:${MAC}`);
});

test("D-35 a client that takes another server's offer gets silence, and ours is free again", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask();
  const request = selecting(offer);
  const elsewhere = { ...request, options: { ...request.options, [OPTION.serverId]: "10.0.0.77" } };
  assert.equal(await bench.silence(elsewhere), "other-server");
  assert.equal((await bench.ask({ mac: OTHER_MAC })).yiaddr, offer.yiaddr);
});

test("D-36 SELECTING an address that was not offered, is taken or foreign is refused", async () => {
  const bench = await DhcpBench.start();
  const taken = await bench.lease({ mac: OTHER_MAC });
  const offer = await bench.ask();
  for (const wanted of ["10.0.0.107", taken.yiaddr, "192.168.1.1", "10.0.0.1"]) {
    const request = selecting(offer);
    const options = { ...request.options, [OPTION.requestedAddress]: wanted };
    isNak(await bench.ask({ ...request, options }), "this address was not offered");
  }
});

test("D-36 an offer that lapsed is no offer", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask();
  bench.clock.advance(31_000);
  isNak(await bench.ask(selecting(offer)));
});

test("D-37 a repeated REQUEST is acknowledged again, and there is one lease", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask();
  const first = await bench.ask(selecting(offer));
  const second = await bench.ask(selecting(offer));
  assert.equal(second.yiaddr, first.yiaddr);
  assert.equal(second.type, MESSAGE_TYPE.ack);
  assert.equal(bench.service.leases().length, 1);
});

test("D-38 INIT-REBOOT with the right address is acknowledged", async () => {
  const bench = await DhcpBench.start();
  const { yiaddr } = await bench.lease();
  const ack = await bench.ask(reboot(yiaddr));
  assert.equal(ack.type, MESSAGE_TYPE.ack);
  assert.equal(ack.yiaddr, yiaddr);
});

test("D-39, D-94 INIT-REBOOT on the wrong network is refused although not authoritative", async () => {
  const bench = await DhcpBench.start();
  const local = await bench.ask(reboot("192.168.5.5"));
  isNak(local, "wrong network for this address");
  assert.equal(local.to, "255.255.255.255:68");
  const relayed = await bench.ask(reboot("192.168.5.5", { giaddr: "10.0.0.254" }));
  isNak(relayed);
  assert.equal(relayed.to, "10.0.0.254:67");
  assert.equal(relayed.packet.flags, 0x8000);
});

test("D-40, D-94 INIT-REBOOT of a stranger is silence, and a NAK where authoritative", async () => {
  const modest = await DhcpBench.start();
  assert.equal(await modest.silence(reboot("10.0.0.105")), "unknown-lease");
  const sure = await DhcpBench.start(AUTHORITATIVE);
  isNak(await sure.ask(reboot("10.0.0.105")), "no lease is on record");
});

test("D-41, D-94 INIT-REBOOT of a client that has another address is refused", async () => {
  const bench = await DhcpBench.start();
  await bench.lease();
  isNak(await bench.ask(reboot("10.0.0.105")), "the client has another address");
});

test("D-42 a renewal is extended and answered straight to the client", async () => {
  const bench = await DhcpBench.start();
  const { yiaddr } = await bench.lease();
  bench.clock.advance(300_000);
  const ack = await bench.ask(renew(yiaddr), { source: { address: yiaddr, port: 68 } });
  assert.equal(ack.type, MESSAGE_TYPE.ack);
  assert.equal(ack.to, `${yiaddr}:68`);
  assert.equal(formatIpv4(ack.packet.ciaddr), yiaddr);
  assert.equal((await bench.store.leases.all())[0]?.expiresAt, bench.clock.now() + 600_000);
});

test("D-43 a renewal that nobody knows is silence, and a NAK where authoritative", async () => {
  const modest = await DhcpBench.start();
  assert.equal(await modest.silence(renew("10.0.0.105")), "unknown-lease");
  const sure = await DhcpBench.start(AUTHORITATIVE);
  isNak(await sure.ask(renew("10.0.0.105")));
});

test("D-44 a lease that ended is renewed while nobody else has its address", async () => {
  const bench = await DhcpBench.start();
  const { yiaddr } = await bench.lease();
  bench.clock.advance(3_600_000);
  assert.equal((await bench.ask(renew(yiaddr))).type, MESSAGE_TYPE.ack);
});

test("D-45, D-94 a renewal of an address that is another client's now is refused", async () => {
  const config = {
    ...LAN,
    network: {
      address: SERVER,
      subnets: [{ ...LAN.network!.subnets![0]!, pools: [{ from: "10.0.0.100", to: "10.0.0.100" }] }],
    },
  };
  const bench = await DhcpBench.start(config);
  const { yiaddr } = await bench.lease();
  bench.clock.advance(3_600_000);
  assert.equal((await bench.lease({ mac: OTHER_MAC })).yiaddr, yiaddr);
  isNak(await bench.ask(renew(yiaddr)), "the address belongs to another client");
  isNak(await bench.ask(reboot(yiaddr)), "the address belongs to another client");
});

test("D-45 a lease that ended cannot be renewed while its address is on offer to another client", async () => {
  const [subnet] = LAN.network!.subnets!;
  const pools = [{ from: "10.0.0.100", to: "10.0.0.100" }];
  const bench = await DhcpBench.start({
    ...LAN,
    network: { address: SERVER, subnets: [{ ...subnet!, pools }] },
  });
  const { yiaddr } = await bench.lease();
  bench.clock.advance(3_600_000);
  const offer = await bench.ask({ mac: OTHER_MAC });
  assert.equal(offer.yiaddr, yiaddr);
  isNak(await bench.ask(renew(yiaddr)), "the address belongs to another client");
  assert.equal((await bench.ask(selecting(offer, { mac: OTHER_MAC }))).type, MESSAGE_TYPE.ack);
});

test("D-46 a renewal from a network that is not ours is silence, authoritative or not", async () => {
  for (const config of [LAN, AUTHORITATIVE]) {
    const bench = await DhcpBench.start(config);
    assert.equal(await bench.silence(renew("192.168.9.9")), "no-subnet");
  }
});

test("D-47 a client with a new reservation is refused its old address and then offered the reserved one", async () => {
  const bench = await DhcpBench.start();
  const { yiaddr } = await bench.lease();
  bench.register("kube0", { mac: MAC, address: "10.0.0.50" });
  isNak(await bench.ask(renew(yiaddr)), "another address is reserved for this client");
  assert.equal((await bench.lease()).yiaddr, "10.0.0.50");
  const old = bench.service.leases().find(({ address }) => address === yiaddr);
  assert.equal(old?.state, "released", "the earlier lease ends");
});

test("D-47 while somebody else still lives on the reserved address, the client keeps what it has", async () => {
  const bench = await DhcpBench.start();
  const mine = await bench.lease();
  const theirs = await bench.lease({ mac: OTHER_MAC });
  bench.register("kube0", { mac: MAC, address: theirs.yiaddr });
  assert.equal((await bench.ask(renew(mine.yiaddr))).type, MESSAGE_TYPE.ack);
  isNak(
    await bench.ask(renew(theirs.yiaddr, { mac: OTHER_MAC })),
    "the address is reserved for another client",
  );
  bench.clock.advance(700_000);
  assert.equal((await bench.lease()).yiaddr, theirs.yiaddr);
});

test("D-48 a REQUEST that names no address is silence", async () => {
  const bench = await DhcpBench.start();
  assert.equal(await bench.silence({ type: "request" }), "no-requested-address");
  const noAddress = { type: "request", options: { [OPTION.serverId]: SERVER } } as const;
  assert.equal(await bench.silence(noAddress), "no-requested-address");
});

test("D-16 ciaddr beside a requested address is treated as zero", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask();
  const ack = await bench.ask({ ...selecting(offer), ciaddr: "10.0.0.55" });
  assert.equal(ack.type, MESSAGE_TYPE.ack);
  assert.equal(ack.to, "255.255.255.255:68");
});

test("D-49, D-15 a NAK says who refuses and why, and gives back client id and relay option, and nothing else", async () => {
  const bench = await DhcpBench.start();
  const circuit = Uint8Array.of(1, 2, 7, 7);
  const echoed = { [OPTION.clientId]: Uint8Array.of(1, 9, 9), [OPTION.relayAgent]: circuit };
  const nak = await bench.ask(reboot("192.168.5.5", { giaddr: "10.0.0.254", options: echoed }));
  assert.deepEqual(
    [...nak.packet.options.codes()].sort((a, b) => a - b),
    [53, 54, 56, 61, 82],
  );
  assert.deepEqual([...nak.packet.options.get(OPTION.relayAgent)!], [...circuit]);
  assert.deepEqual([nak.packet.yiaddr, nak.packet.siaddr, nak.packet.ciaddr], [0, 0, 0]);
});
