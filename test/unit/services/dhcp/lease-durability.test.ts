import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { MESSAGE_TYPE, OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import type { LeaseRecord, LeaseStore } from "../../../../src/services/ports.ts";
import {
  clientPacket,
  DhcpBench,
  LAN,
  MAC,
  OTHER_MAC,
  received,
  SERVER,
  selecting,
} from "../../../support/dhcp-client.ts";

/** A lease store that commits when a test says so. */
class HeldLeaseStore implements LeaseStore {
  readonly batches: { records: readonly LeaseRecord[]; finish: () => void; fail: () => void }[] = [];

  all(): Promise<readonly LeaseRecord[]> {
    return Promise.resolve([]);
  }

  commit(records: readonly LeaseRecord[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.batches.push({
      records,
      finish: () => resolve(undefined),
      fail: () => reject(new Error("the disk is full")),
    });
    return promise;
  }
}

async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await setImmediate();
}

test("D-34, D-61 no ACK leaves before its lease is committed", async () => {
  const leases = new HeldLeaseStore();
  const bench = await DhcpBench.start(LAN, { leases });
  const offer = await bench.ask();
  let answered = false;
  const answer = bench.ask(selecting(offer)).then((ack) => {
    answered = true;
    return ack;
  });
  await turns();
  assert.equal(leases.batches.length, 1);
  assert.equal(answered, false);
  leases.batches[0]?.finish();
  assert.equal((await answer).type, MESSAGE_TYPE.ack);
});

test("D-34, D-61 requests of one moment share a commit, and those that come meanwhile the next", async () => {
  const leases = new HeldLeaseStore();
  const bench = await DhcpBench.start(LAN, { leases });
  const macs = Array.from({ length: 6 }, (_, index) => `52:54:00:00:00:0${index}`);
  const offers = await Promise.all(macs.map((mac) => bench.ask({ mac })));
  const ask = (index: number): ReturnType<DhcpBench["ask"]> =>
    bench.ask(selecting(offers[index]!, { mac: macs[index]! }));
  const early = [0, 1, 2].map(ask);
  await turns();
  const late = [3, 4, 5].map(ask);
  await turns();
  assert.deepEqual(
    leases.batches.map(({ records }) => records.length),
    [3],
  );
  leases.batches[0]?.finish();
  await Promise.all(early);
  await turns();
  assert.deepEqual(
    leases.batches.map(({ records }) => records.length),
    [3, 3],
  );
  leases.batches[1]?.finish();
  await Promise.all(late);
});

test("D-34, D-61 a failed commit sends nothing and is forgotten, and the client may try again", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask();
  const broken = bench.store;
  broken.break();
  assert.equal(await bench.silence(selecting(offer)), "store-failed");
  assert.deepEqual(bench.service.leases(), []);
  assert.equal(bench.log.lines.at(-1)?.level, "error");
  assert.equal(bench.service.decisionsFor(MAC).at(-1)?.reason, "store-failed");
  broken.broken = undefined;
  assert.equal((await bench.ask(selecting(offer))).yiaddr, offer.yiaddr);
});

test("D-61 when a commit fails, what was decided on it meanwhile is taken back too", async () => {
  const leases = new HeldLeaseStore();
  const bench = await DhcpBench.start(LAN, { leases });
  const offer = await bench.ask();
  const first = bench.silence(selecting(offer));
  await turns();
  const release = { type: "release", ciaddr: offer.yiaddr, options: { [OPTION.serverId]: SERVER } } as const;
  const second = bench.silence(release);
  await turns();
  leases.batches[0]?.fail();
  assert.equal(await first, "store-failed");
  await second;
  assert.deepEqual(bench.service.leases(), []);
  assert.equal(leases.batches.length, 1, "the batch that built on the failed one is never written");
});

test("D-61 a failed renewal leaves the lease as it was", async () => {
  const bench = await DhcpBench.start();
  await bench.lease();
  const [before] = bench.service.leases();
  bench.clock.advance(100_000);
  bench.store.break();
  assert.equal(await bench.silence({ type: "request", ciaddr: before!.address }), "store-failed");
  assert.deepEqual(bench.service.leases(), [before]);
});

test("D-61 after a restart every active lease is honoured", async () => {
  const first = await DhcpBench.start();
  const mine = await first.lease({ options: { [OPTION.hostName]: "web" } });
  const theirs = await first.lease({ mac: OTHER_MAC });
  const second = await DhcpBench.start(LAN, { store: first.store });
  assert.deepEqual(second.service.leases(), first.service.leases());
  assert.equal((await second.ask({ mac: "52:54:00:00:00:09" })).yiaddr, "10.0.0.102");
  assert.equal((await second.ask({ type: "request", ciaddr: mine.yiaddr })).type, MESSAGE_TYPE.ack);
  const other = await second.ask({ mac: OTHER_MAC });
  assert.equal(other.yiaddr, theirs.yiaddr);
});

test("D-60 an ended lease frees its address and stays on record", async () => {
  const [subnet] = LAN.network!.subnets!;
  const pools = [{ from: "10.0.0.100", to: "10.0.0.100" }];
  const network = { address: SERVER, subnets: [{ ...subnet!, pools }] };
  const bench = await DhcpBench.start({ ...LAN, network });
  const { yiaddr } = await bench.lease();
  bench.clock.advance(600_001);
  assert.equal(bench.service.leases().length, 1);
  assert.equal((await bench.lease({ mac: OTHER_MAC })).yiaddr, yiaddr);
});

for (const [name, jump] of [
  ["forward", 3_600_000],
  ["back", -3_600_000],
] as const) {
  test(`D-60 when the clock is set ${name}, leases keep the time they had left`, async () => {
    const [subnet] = LAN.network!.subnets!;
    const pools = [{ from: "10.0.0.100", to: "10.0.0.100" }];
    const bench = await DhcpBench.start({
      ...LAN,
      network: { address: SERVER, subnets: [{ ...subnet!, pools }] },
    });
    await bench.lease();
    bench.clock.advance(100_000);
    await bench.ask({ options: {} });
    bench.clock.jump(jump);
    assert.equal(await bench.silence({ mac: OTHER_MAC }), "pool-exhausted");
    assert.equal(bench.service.leases()[0]?.expiresAt, bench.clock.now() + 500_000);
    await bench.service.stop();
    assert.equal((await bench.store.leases.all())[0]?.expiresAt, bench.clock.now() + 500_000);
    bench.clock.advance(500_001);
    assert.equal((await bench.lease({ mac: OTHER_MAC })).yiaddr, "10.0.0.100");
    assert.deepEqual(bench.events.types.includes("clock-jumped"), true);
  });
}

test("D-33 an answer that is ready after its client gave up is not sent", async () => {
  const leases = new HeldLeaseStore();
  const bench = await DhcpBench.start(LAN, { leases });
  const offer = await bench.ask();
  const waiting = bench.silence(selecting(offer));
  await turns();
  bench.clock.advance(3_001);
  leases.batches[0]?.finish();
  assert.equal(await waiting, "too-late");
  assert.equal(bench.service.leases().length, 1, "the lease stands: the client will ask again");
});

test("D-33 time spent in the socket's queue counts", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask();
  bench.clock.advance(10_000);
  const receivedAt = bench.clock.monotonic() - 3_001;
  assert.equal(await bench.silence(selecting(offer), { receivedAt }), "too-late");
});

test("D-97 500 machines that power on together have an address after one round", async () => {
  const [subnet] = LAN.network!.subnets!;
  const pools = [{ from: "10.0.4.0", to: "10.0.7.255" }];
  const network = { address: SERVER, subnets: [{ ...subnet!, cidr: "10.0.0.0/16", pools }] };
  const bench = await DhcpBench.start({ ...LAN, network });
  const macs = Array.from(
    { length: 500 },
    (_, index) => `52:54:00:00:${(index >> 8) + 10}:${(index & 255).toString(16).padStart(2, "0")}`,
  );
  const offers = await Promise.all(macs.map((mac) => bench.ask({ mac })));
  const commitsBefore = bench.store.commits;
  const acks = await Promise.all(
    macs.map((mac, index) => bench.answer(clientPacket(selecting(offers[index]!, { mac })))),
  );
  const addresses = new Set(acks.map((ack) => (ack.kind === "send" ? received(ack).yiaddr : ack.reason)));
  assert.equal(addresses.size, 500);
  assert.equal(bench.service.counters()["sent:ACK"], 500);
  assert.equal(bench.store.commits - commitsBefore, 1);
});
