import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigInput } from "../../../../src/config/schema.ts";
import { formatIpv4 } from "../../../../src/net/ipv4.ts";
import { MESSAGE_TYPE, OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import {
  DhcpBench,
  ip,
  LAN,
  MAC,
  OTHER_MAC,
  pxeOptions,
  type Received,
  SERVER,
  selecting,
} from "../../../support/dhcp-client.ts";

const THIRD_MAC = "52:54:00:12:34:03";

/** The test network with one pool and other settings. */
function lan(options: {
  readonly pool?: readonly [string, string];
  readonly dhcp?: ConfigInput["dhcp"];
  readonly cidr?: string;
}): ConfigInput {
  const [from, to] = options.pool ?? ["10.0.0.100", "10.0.0.109"];
  const [subnet] = LAN.network!.subnets!;
  return {
    network: {
      address: SERVER,
      subnets: [{ ...subnet!, cidr: options.cidr ?? "10.0.0.0/24", pools: [{ from, to }] }],
    },
    dhcp: { ...LAN.dhcp, ...options.dhcp },
  };
}

function codesOf(reply: Received): number[] {
  return [...reply.packet.options.codes()];
}

test("D-20 an OFFER has the address, the server, the lease time, the mask, and for boot clients the TFTP server", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask({ options: pxeOptions(0) });
  assert.equal(offer.type, MESSAGE_TYPE.offer);
  assert.equal(offer.yiaddr, "10.0.0.100");
  assert.equal(offer.packet.options.ipv4(OPTION.serverId), ip(SERVER));
  assert.equal(offer.packet.options.u32(OPTION.leaseTime), 600);
  assert.equal(offer.packet.options.ipv4(OPTION.subnetMask), ip("255.255.255.0"));
  assert.equal(formatIpv4(offer.packet.siaddr), SERVER);
  const plain = await bench.ask({ mac: OTHER_MAC });
  assert.equal(formatIpv4(plain.packet.siaddr), "0.0.0.0");
});

test("D-06 a reply copies htype, hlen, xid, flags, giaddr and chaddr; hops and secs are 0", async () => {
  const bench = await DhcpBench.start();
  const { packet, bytes } = await bench.ask({
    flags: 0x8000,
    xid: 0xdeadbeef,
    hops: 3,
    giaddr: "10.0.0.254",
  });
  assert.equal(packet.op, 2);
  assert.deepEqual([packet.htype, packet.hlen, packet.hops, packet.secs], [1, 6, 0, 0]);
  assert.equal(packet.xid, 0xdeadbeef);
  assert.equal(packet.flags, 0x8000);
  assert.equal(packet.giaddr, ip("10.0.0.254"));
  assert.equal(Buffer.from(packet.chaddr.subarray(0, 6)).toString("hex"), "525400123401");
  assert.ok(bytes.length >= 300);
});

test("D-08 a reply keeps to option 57, counted with its headers, never below 548 nor above 1472 octets", async () => {
  const long = { code: 224, text: "x".repeat(240), always: true };
  const options = [long, { ...long, code: 225 }, { ...long, code: 226 }, { ...long, code: 227 }];
  const bench = await DhcpBench.start(lan({ dhcp: { options } }));
  const ask = async (size: number): Promise<number> =>
    (await bench.ask({ options: { [OPTION.maxMessageSize]: Uint8Array.of(size >> 8, size & 255) } })).bytes
      .length;
  assert.ok((await ask(100)) <= 548);
  assert.ok((await ask(576)) <= 548);
  const between = await ask(900);
  assert.ok(between <= 900 - 28 && between > 548);
  assert.ok((await ask(9000)) <= 1472);
  assert.ok((await bench.ask({ mac: OTHER_MAC })).bytes.length <= 548);
});

test("D-09 only clients with a request list, and no boot ROMs, find options in file and sname", async () => {
  const options = [224, 225].map((code) => ({ code, text: "x".repeat(120), always: true }));
  options.push({ code: 226, text: "y".repeat(100), always: true });
  const bench = await DhcpBench.start(lan({ dhcp: { options } }));
  const overloaded = (reply: Received): boolean => reply.bytes[108] !== 0;
  assert.equal(overloaded(await bench.ask({ options: { 55: [1, 3] } })), true);
  assert.equal(overloaded(await bench.ask({ mac: OTHER_MAC })), false);
  const rom = await bench.ask({ mac: THIRD_MAC, options: pxeOptions(0) });
  assert.equal(rom.packet.file, "undionly.kpxe");
  assert.equal(rom.packet.options.text(OPTION.bootFile), "undionly.kpxe");
});

test("D-11, D-13 unknown, repeated and unset codes in the request list are passed over", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask({ options: { 55: [1, 3, 3, 234, 0, 255, 121, 26, 42] } });
  assert.deepEqual(
    codesOf(offer).sort((a, b) => a - b),
    [1, 3, 51, 53, 54, 58, 59],
  );
});

test("D-12 a client without a request list gets mask, router, name server, times and server", async () => {
  const bench = await DhcpBench.start();
  const codes = codesOf(await bench.ask());
  for (const code of [1, 3, 6, 51, 54, 58, 59]) assert.ok(codes.includes(code), `option ${code}`);
});

test("D-13 an option configured as always is sent unasked, any other only when asked for", async () => {
  const options = [
    { code: 224, text: "always", always: true },
    { code: 225, addresses: ["10.0.0.7"] },
    { code: 226, hex: "beef" },
  ];
  const bench = await DhcpBench.start(lan({ dhcp: { options } }));
  const unasked = await bench.ask({ options: { 55: [1] } });
  assert.equal(unasked.packet.options.text(224), "always");
  assert.equal(unasked.packet.options.has(225), false);
  const asked = await bench.ask({ options: { 55: [225, 226] } });
  assert.equal(asked.packet.options.ipv4(225), ip("10.0.0.7"));
  assert.equal(asked.packet.options.u16(226), 0xbeef);
});

test("D-14 routes asked for come with the default route among them, and option 3 for those who do not ask", async () => {
  const config = lan({});
  const [subnet] = config.network!.subnets!;
  const routes = [{ to: "192.168.0.0/16", via: "10.0.0.9" }];
  const bench = await DhcpBench.start({
    ...config,
    network: { address: SERVER, subnets: [{ ...subnet!, routes }] },
  });
  const asked = await bench.ask({ options: { 55: [1, 3, 121] } });
  const value = Buffer.from(asked.packet.options.get(OPTION.classlessRoutes)!).toString("hex");
  assert.equal(value, "10c0a80a000009000a0000fe");
  const old = await bench.ask({ mac: OTHER_MAC, options: { 55: [1, 3] } });
  assert.equal(old.packet.options.has(OPTION.classlessRoutes), false);
  assert.equal(old.packet.options.ipv4(OPTION.routers), ip("10.0.0.254"));
});

test("D-15 the client id comes back unchanged, and not at all when there was none or the switch is off", async () => {
  const clientId = Uint8Array.of(0, 1, 2, 3);
  const bench = await DhcpBench.start();
  const echoed = await bench.ask({ options: { [OPTION.clientId]: clientId } });
  assert.deepEqual([...echoed.packet.options.get(OPTION.clientId)!], [0, 1, 2, 3]);
  assert.equal((await bench.ask()).packet.options.has(OPTION.clientId), false);
  const quiet = await DhcpBench.start(lan({ dhcp: { echoClientId: false } }));
  const silent = await quiet.ask({ options: { [OPTION.clientId]: clientId } });
  assert.equal(silent.packet.options.has(OPTION.clientId), false);
});

test("D-16 ciaddr in a DISCOVER is treated as zero", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask({ ciaddr: "192.168.7.7" });
  assert.equal(offer.yiaddr, "10.0.0.100");
  assert.equal(offer.to, "255.255.255.255:68");
  assert.equal(offer.packet.ciaddr, 0);
});

test("D-19 a BOOTP request stays unanswered", async () => {
  const bench = await DhcpBench.start();
  assert.equal(await bench.silence({ type: undefined }), "bootp");
});

test("D-21 first the reservation, then the lease, then the ended lease, then the wish, then the next", async () => {
  const bench = await DhcpBench.start();
  const wish = { options: { [OPTION.requestedAddress]: "10.0.0.105" } };
  assert.equal((await bench.ask({ mac: OTHER_MAC })).yiaddr, "10.0.0.100", "the next free one");
  assert.equal((await bench.lease(wish)).yiaddr, "10.0.0.105", "the wish");
  const other = { options: { [OPTION.requestedAddress]: "10.0.0.106" } };
  assert.equal((await bench.ask(other)).yiaddr, "10.0.0.105", "the lease");
  bench.clock.advance(700_000);
  assert.equal((await bench.ask(other)).yiaddr, "10.0.0.105", "the ended lease");
  bench.register("kube0", { mac: MAC, address: "10.0.0.50" });
  assert.equal((await bench.ask(other)).yiaddr, "10.0.0.50", "the reservation");
});

test("D-22 the same client is offered the same address again", async () => {
  const bench = await DhcpBench.start();
  const first = await bench.ask({ xid: 1 });
  await bench.ask({ mac: OTHER_MAC });
  const second = await bench.ask({ xid: 2 });
  assert.equal(second.yiaddr, first.yiaddr);
  const ack = await bench.ask(selecting(second, { xid: 2 }));
  assert.equal(ack.yiaddr, first.yiaddr);
});

test("D-23 a wish outside the pools, excluded, or reserved for another is passed over", async () => {
  const bench = await DhcpBench.start();
  bench.register("kube1", { mac: OTHER_MAC, address: "10.0.0.104" });
  for (const wish of ["192.168.1.1", "10.0.0.50", "10.0.0.104", "10.0.0.1", "10.0.0.255", "0.0.0.0"]) {
    const offer = await bench.ask({ options: { [OPTION.requestedAddress]: wish } });
    assert.equal(offer.yiaddr, "10.0.0.100", wish);
  }
});

test("D-24, D-25, D-29 the last address waits for its client, and goes to the next when the offer lapses", async () => {
  const bench = await DhcpBench.start(lan({ pool: ["10.0.0.100", "10.0.0.100"] }));
  assert.equal((await bench.ask()).yiaddr, "10.0.0.100");
  assert.equal(await bench.silence({ mac: OTHER_MAC }), "pool-exhausted");
  assert.deepEqual(bench.service.leases(), []);
  bench.clock.advance(31_000);
  assert.equal((await bench.lease({ mac: OTHER_MAC })).yiaddr, "10.0.0.100");
  assert.equal(await bench.silence(), "pool-exhausted");
  assert.equal(bench.events.ofType("pool-exhausted").length, 1);
});

test("D-26 the lease time asked for is kept within the limits, and for ever is the longest", async () => {
  const bench = await DhcpBench.start(lan({ dhcp: { unknown: "ignore" } }));
  bench.register("kube0", { mac: MAC });
  const cases: [number | undefined, number][] = [
    [undefined, 3600],
    [10, 120],
    [0, 120],
    [7200, 7200],
    [0xffffffff, 86_400],
  ];
  for (const [asked, given] of cases) {
    const wish =
      asked === undefined
        ? {}
        : { [OPTION.leaseTime]: Buffer.from(asked.toString(16).padStart(8, "0"), "hex") };
    const offer = await bench.ask({ options: wish });
    assert.equal(offer.packet.options.u32(OPTION.leaseTime), given);
  }
});

test("D-27 an OFFER says when to renew and when to rebind", async () => {
  const bench = await DhcpBench.start();
  const { options } = (await bench.ask()).packet;
  assert.equal(options.u32(OPTION.renewalTime), 300);
  assert.equal(options.u32(OPTION.rebindingTime), 525);
});

test("D-28 rapid commit, where it is allowed, binds at once; elsewhere it is an offer, and never a NAK", async () => {
  const rapid = { options: { [OPTION.rapidCommit]: new Uint8Array(0) } };
  const quick = await DhcpBench.start(
    lan({ pool: ["10.0.0.100", "10.0.0.100"], dhcp: { rapidCommit: true } }),
  );
  const ack = await quick.ask(rapid);
  assert.equal(ack.type, MESSAGE_TYPE.ack);
  assert.equal(ack.packet.options.has(OPTION.rapidCommit), true);
  assert.equal(quick.service.leases()[0]?.state, "bound");
  assert.equal(quick.store.commits, 2, "one reading at start and one commit");
  assert.equal(await quick.silence({ ...rapid, mac: OTHER_MAC }), "pool-exhausted");
  const slow = await DhcpBench.start();
  const offer = await slow.ask(rapid);
  assert.equal(offer.type, MESSAGE_TYPE.offer);
  assert.equal(offer.packet.options.has(OPTION.rapidCommit), false);
});

test("D-29 of ended leases the oldest is given away first, and a live one never", async () => {
  const bench = await DhcpBench.start(lan({ pool: ["10.0.0.100", "10.0.0.102"] }));
  await bench.lease({ mac: "52:54:00:00:00:01" });
  bench.clock.advance(100_000);
  await bench.lease({ mac: "52:54:00:00:00:02" });
  bench.clock.advance(100_000);
  await bench.lease({ mac: "52:54:00:00:00:03" });
  assert.equal(await bench.silence({ mac: "52:54:00:00:00:04" }), "pool-exhausted");
  bench.clock.advance(550_000);
  assert.equal((await bench.lease({ mac: "52:54:00:00:00:04" })).yiaddr, "10.0.0.100");
  assert.equal((await bench.lease({ mac: "52:54:00:00:00:05" })).yiaddr, "10.0.0.101");
  assert.equal(await bench.silence({ mac: "52:54:00:00:00:06" }), "pool-exhausted");
});

test("D-30 network and broadcast address, the appliance, router and name servers are never handed out", async () => {
  const bench = await DhcpBench.start(lan({ pool: ["10.0.0.0", "10.0.0.255"] }));
  const given = new Set<string>();
  for (let index = 0; index < 251; index++) {
    const mac = `52:54:00:00:01:${index.toString(16).padStart(2, "0")}`;
    given.add((await bench.ask({ mac })).yiaddr);
  }
  assert.equal(given.size, 251);
  assert.equal(await bench.silence({ mac: "52:54:00:00:02:00" }), "pool-exhausted");
  for (const end of ["0", "1", "253", "254", "255"]) assert.equal(given.has(`10.0.0.${end}`), false);
});

test("D-30 .0 and .255 inside larger networks are left out unless the setting says otherwise", async () => {
  const config = { cidr: "10.0.0.0/23", pool: ["10.0.0.254", "10.0.1.1"] as const };
  const careful = await DhcpBench.start(lan(config));
  assert.equal((await careful.ask({ mac: MAC })).yiaddr, "10.0.1.1");
  assert.equal(await careful.silence({ mac: OTHER_MAC }), "pool-exhausted");
  const bold = await DhcpBench.start(lan({ ...config, dhcp: { excludeNetworkEnds: false } }));
  assert.equal((await bold.ask({ mac: MAC })).yiaddr, "10.0.0.255");
  assert.equal((await bold.ask({ mac: OTHER_MAC })).yiaddr, "10.0.1.0");
});

test("D-31 a DISCOVER that names a server is dropped", async () => {
  const bench = await DhcpBench.start();
  const reason = await bench.silence({ options: { [OPTION.serverId]: SERVER } });
  assert.equal(reason, "discover-names-server");
});
