import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigInput } from "../../../../src/config/schema.ts";
import { parseMac } from "../../../../src/net/mac.ts";
import { encodeDhcp } from "../../../../src/protocol/dhcp/encode-packet.ts";
import { MESSAGE_TYPE, OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import { DecisionLog } from "../../../../src/services/dhcp/decision-log.ts";
import type { DecisionTrace } from "../../../../src/services/dhcp/dhcp-service.ts";
import { RateLimiter } from "../../../../src/services/dhcp/rate-limiter.ts";
import { encodeRivalProbe, readRivalOffer } from "../../../../src/services/dhcp/rival-probe.ts";
import {
  clientPacket,
  DhcpBench,
  ip,
  LAN,
  MAC,
  OTHER_MAC,
  SERVER,
  selecting,
} from "../../../support/dhcp-client.ts";

const BIG: ConfigInput = {
  network: {
    address: SERVER,
    subnets: [
      { cidr: "10.0.0.0/16", pools: [{ from: "10.0.4.0", to: "10.0.255.0" }] },
      { cidr: "10.9.0.0/24", pools: [{ from: "10.9.0.10", to: "10.9.0.19" }] },
    ],
  },
  dhcp: { mode: "server", unknown: "discover", maxHolds: 100 },
};

function randomMac(index: number): string {
  return `02:00:00:${[16, 8, 0].map((shift) => ((index >> shift) & 255).toString(16).padStart(2, "0")).join(":")}`;
}

test("D-92 another server's answer, or a client's choice of it, raises one alarm and is on record", async () => {
  const bench = await DhcpBench.start();
  const rival = { [OPTION.serverId]: "10.0.0.77" };
  const source = { address: "10.0.0.77", port: 67 };
  await bench.silence({ op: 2, type: "offer", options: rival }, { source });
  await bench.silence({ type: "request", options: { ...rival, [OPTION.requestedAddress]: "10.0.0.9" } });
  const [event, ...more] = bench.events.ofType("rival-dhcp-server");
  assert.equal(event?.level, "alarm");
  assert.deepEqual(event.data, { server: "10.0.0.77", source: "10.0.0.77", message: "OFFER", client: MAC });
  assert.deepEqual(more, []);
  assert.deepEqual(
    bench.service.foreignServers().map(({ server }) => server),
    ["10.0.0.77"],
  );
});

test("D-92 our own answers, heard again, are no other server", async () => {
  const bench = await DhcpBench.start();
  await bench.silence({ op: 2, type: "offer", options: { [OPTION.serverId]: SERVER } });
  assert.deepEqual(bench.service.foreignServers(), []);
});

test("D-92 beside another server its answers are no alarm", async () => {
  const bench = await DhcpBench.start({ network: { address: SERVER }, dhcp: { mode: "proxy" } });
  await bench.silence({ op: 2, type: "ack", options: { [OPTION.serverId]: "10.0.0.77" } });
  assert.equal(bench.events.ofType("rival-dhcp-server")[0]?.level, "info");
});

test("D-92, D-93 the search for other servers is neither answered nor counted as a client", async () => {
  const bench = await DhcpBench.start();
  const probe = { xid: 0xfeedbeef, mac: parseMac("02:6d:75:73:74:01")! };
  bench.service.expectProbe(probe.xid);
  const outcome = await bench.answer(encodeRivalProbe(probe));
  assert.deepEqual(outcome, { kind: "ignored", reason: "own-probe" });
  assert.deepEqual(bench.sightings, []);
  assert.deepEqual(bench.service.decisionsFor(probe.mac), []);
});

test("D-93 an offer of an address in answer to the search names the other server", () => {
  const probe = { xid: 0xfeedbeef, mac: parseMac("02:6d:75:73:74:01")! };
  const source = { address: "10.0.0.88" };
  const offer = (fields: object): Uint8Array => {
    const packet = clientPacket({
      op: 2,
      type: "offer",
      xid: probe.xid,
      options: { [OPTION.serverId]: "10.0.0.77" },
    });
    return encodeDhcp({ ...packet, yiaddr: ip("10.0.0.9"), ...fields }).bytes;
  };
  assert.deepEqual(readRivalOffer(offer({}), probe, source), {
    server: "10.0.0.77",
    source: "10.0.0.88",
    message: "OFFER",
    client: probe.mac,
  });
  assert.equal(readRivalOffer(offer({ xid: 1 }), probe, source), undefined);
  assert.equal(readRivalOffer(offer({ yiaddr: 0 }), probe, source), undefined, "a proxy gives no address");
  assert.equal(readRivalOffer(offer({ op: 1 }), probe, source), undefined);
  assert.equal(readRivalOffer(Uint8Array.of(1, 2), probe, source), undefined);
});

test("D-95 a client that floods is not heard beyond its rate, and others are", async () => {
  const bench = await DhcpBench.start({ ...LAN, dhcp: { ...LAN.dhcp, clientRate: 5 } });
  const outcomes = await Promise.all(Array.from({ length: 1000 }, () => bench.answer(clientPacket())));
  assert.equal(outcomes.filter(({ kind }) => kind === "send").length, 10);
  assert.equal(bench.service.counters()["ignored:rate-limited"], 990);
  assert.equal((await bench.ask({ mac: OTHER_MAC })).type, MESSAGE_TYPE.offer);
  bench.clock.advance(1000);
  const next = await Promise.all(Array.from({ length: 20 }, () => bench.answer(clientPacket())));
  assert.equal(next.filter(({ kind }) => kind === "send").length, 5);
});

test("D-95 a circuit that floods with many hardware addresses is not heard beyond its rate", async () => {
  const config = { ...BIG, dhcp: { ...BIG.dhcp, clientRate: 1, maxHolds: 10_000 } };
  const bench = await DhcpBench.start(config);
  const ask = (index: number, port: number): ReturnType<DhcpBench["answer"]> =>
    bench.answer(
      clientPacket({
        mac: randomMac(index),
        giaddr: "10.0.0.254",
        options: { [OPTION.relayAgent]: Uint8Array.of(1, 1, port) },
      }),
    );
  const flood = await Promise.all(Array.from({ length: 500 }, (_, index) => ask(index, 1)));
  assert.equal(flood.filter(({ kind }) => kind === "send").length, 400);
  assert.equal((await ask(9999, 2)).kind, "send");
});

test("D-96 offers outstanding are capped per network, existing leases renew and other networks go on", async () => {
  const bench = await DhcpBench.start(BIG);
  const mine = await bench.lease();
  for (let index = 0; index < 10_000; index++) await bench.answer(clientPacket({ mac: randomMac(index) }));
  assert.equal(bench.service.counters()["sent:OFFER"], 101);
  assert.equal(bench.service.counters()["ignored:too-many-offers"], 9_900);
  assert.equal((await bench.ask({ type: "request", ciaddr: mine.yiaddr })).type, MESSAGE_TYPE.ack);
  assert.equal((await bench.ask()).yiaddr, mine.yiaddr);
  assert.equal((await bench.ask({ giaddr: "10.9.0.1", mac: OTHER_MAC })).yiaddr, "10.9.0.10");
  bench.register("kube1", { mac: "52:54:00:00:00:77", address: "10.0.1.5" });
  assert.equal((await bench.lease({ mac: "52:54:00:00:00:77" })).yiaddr, "10.0.1.5");
  bench.clock.advance(31_000);
  const late = await bench.ask({ mac: "52:54:00:00:00:78" });
  assert.equal((await bench.ask(selecting(late, { mac: "52:54:00:00:00:78" }))).type, MESSAGE_TYPE.ack);
});

test("D-95, D-96 what is remembered of senders is bounded", () => {
  const limiter = new RateLimiter({ perSecond: 1, burst: 1, maxKeys: 100 });
  for (let index = 0; index < 10_000; index++) limiter.admit(String(index), 0);
  assert.ok(limiter.size <= 200);
  const log = new DecisionLog();
  const trace = (client: string, machine?: string): DecisionTrace => ({
    at: 0,
    client,
    message: "DISCOVER",
    listener: "server",
    interfaceAddress: SERVER,
    because: "its lease",
    ...(machine === undefined ? {} : { machine }),
  });
  log.note(trace(MAC, "kube0"));
  for (let index = 0; index < 10_000; index++) log.note(trace(randomMac(index)));
  for (let index = 0; index < 100; index++) log.note(trace(OTHER_MAC));
  assert.ok(log.clients <= 4_001);
  assert.equal(log.of(MAC).length, 1, "strangers do not push a machine out");
  assert.equal(log.of(OTHER_MAC).length, 16);
});

test("D-98 a flood writes no log line and one event per subject", async () => {
  const [subnet] = LAN.network!.subnets!;
  const pools = [{ from: "10.0.0.100", to: "10.0.0.100" }];
  const bench = await DhcpBench.start({
    ...LAN,
    network: { ...LAN.network, subnets: [{ ...subnet!, pools }] },
  });
  await bench.lease();
  for (let index = 0; index < 2_000; index++) await bench.answer(clientPacket({ mac: randomMac(index) }));
  for (let index = 0; index < 2_000; index++) await bench.answer(Uint8Array.of(index & 255));
  assert.deepEqual(bench.log.lines, []);
  assert.equal(bench.events.events.length, 1);
  bench.clock.advance(601_000 + 0);
  await bench.lease({ mac: OTHER_MAC });
  await bench.silence({ mac: randomMac(1) });
  assert.equal(bench.events.ofType("pool-exhausted").length, 2);
});
