import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { ConfigInput } from "../../../../src/config/schema.ts";
import type { AddressProbe } from "../../../../src/services/dhcp/dhcp-service.ts";
import { clientPacket, DhcpBench, LAN, MAC, OTHER_MAC } from "../../../support/dhcp-client.ts";

const PROBING: ConfigInput = { ...LAN, dhcp: { ...LAN.dhcp, probe: "ping" } };

/** A network in which these addresses answer a ping. */
class InhabitedNetwork implements AddressProbe {
  readonly probed: string[] = [];
  readonly inhabited: Set<string>;

  constructor(...inhabited: string[]) {
    this.inhabited = new Set(inhabited);
  }

  probe(address: string): Promise<"free" | "in-use"> {
    this.probed.push(address);
    return Promise.resolve(this.inhabited.has(address) ? "in-use" : "free");
  }
}

/** A ping that takes until a test says so. */
class SlowProbe implements AddressProbe {
  readonly running: (() => void)[] = [];

  probe(): Promise<"free" | "in-use"> {
    return new Promise((resolve) => this.running.push(() => resolve("free")));
  }
}

test("D-50 an address that answers is quarantined and another one offered", async () => {
  const probe = new InhabitedNetwork("10.0.0.100", "10.0.0.101");
  const bench = await DhcpBench.start(PROBING, { probe });
  assert.equal((await bench.ask()).yiaddr, "10.0.0.102");
  assert.deepEqual(probe.probed, ["10.0.0.100", "10.0.0.101", "10.0.0.102"]);
  assert.equal(bench.events.ofType("address-in-use").length, 2);
  const stored = await bench.store.leases.all();
  assert.deepEqual(
    stored.map(({ address, state }) => `${address} ${state}`),
    ["10.0.0.100 declined", "10.0.0.101 declined"],
  );
  assert.equal((await bench.ask({ mac: OTHER_MAC })).yiaddr, "10.0.0.103");
});

test("D-50 after three addresses in use the DISCOVER stays unanswered", async () => {
  const addresses = ["10.0.0.100", "10.0.0.101", "10.0.0.102", "10.0.0.103"];
  const probe = new InhabitedNetwork(...addresses);
  const bench = await DhcpBench.start(PROBING, { probe });
  assert.equal(await bench.silence(), "address-conflict");
  assert.deepEqual(probe.probed, addresses.slice(0, 3));
});

test("D-50 a probe that fails does not hold the offer back", async () => {
  const probe = { probe: () => Promise.reject(new Error("ping is not installed")) };
  const bench = await DhcpBench.start(PROBING, { probe });
  assert.equal((await bench.ask()).yiaddr, "10.0.0.100");
  assert.equal(bench.log.lines.at(-1)?.level, "warn");
});

test("D-51 a client that has the lease, or had it a moment ago, is not probed", async () => {
  const probe = new InhabitedNetwork();
  const bench = await DhcpBench.start(PROBING, { probe });
  const { yiaddr } = await bench.lease();
  probe.inhabited.add(yiaddr);
  assert.equal((await bench.ask()).yiaddr, yiaddr);
  bench.clock.advance(600_000 + 30_000);
  assert.equal((await bench.ask()).yiaddr, yiaddr);
  assert.deepEqual(probe.probed, [yiaddr]);
});

test("D-50 an address that its client left long ago is probed again", async () => {
  const probe = new InhabitedNetwork();
  const bench = await DhcpBench.start(PROBING, { probe });
  const { yiaddr } = await bench.lease();
  bench.clock.advance(3_600_000);
  await bench.ask();
  assert.deepEqual(probe.probed, [yiaddr, yiaddr]);
});

test("D-52 a probe keeps nobody else waiting, and its own client's retransmission is unanswered meanwhile", async () => {
  const probe = new SlowProbe();
  const bench = await DhcpBench.start(PROBING, { probe });
  const slow = bench.answer(clientPacket());
  await setImmediate();
  assert.equal(await bench.silence({ xid: 2 }), "probe-running");
  bench.register("kube1", { mac: OTHER_MAC });
  const other = bench.answer(clientPacket({ mac: OTHER_MAC }));
  await setImmediate();
  assert.equal(probe.running.length, 2);
  for (const finish of probe.running) finish();
  const [first, second] = await Promise.all([slow, other]);
  assert.deepEqual([first.decision?.address, second.decision?.address], ["10.0.0.100", "10.0.0.101"]);
});

test("D-52 with many probes under way offers go out without one", async () => {
  const probe = new SlowProbe();
  const [subnet] = LAN.network!.subnets!;
  const pools = [{ from: "10.0.0.100", to: "10.0.0.199" }];
  const network = { ...LAN.network, subnets: [{ ...subnet!, pools }] };
  const bench = await DhcpBench.start({ ...PROBING, network }, { probe });
  const waiting = Array.from({ length: 32 }, (_, index) =>
    bench.answer(clientPacket({ mac: `52:54:00:00:00:${(index + 16).toString(16)}` })),
  );
  const offer = await bench.ask({ mac: MAC });
  assert.equal(offer.yiaddr, "10.0.0.132");
  for (const finish of probe.running) finish();
  await Promise.all(waiting);
  assert.equal(bench.service.counters()["sent:OFFER"], 33);
});

test("D-50 without probing configured nothing is pinged", async () => {
  const probe = new InhabitedNetwork("10.0.0.100");
  const bench = await DhcpBench.start(LAN, { probe });
  assert.equal((await bench.ask()).yiaddr, "10.0.0.100");
  assert.deepEqual(probe.probed, []);
});
