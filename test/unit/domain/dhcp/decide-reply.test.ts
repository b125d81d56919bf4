import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigInput } from "../../../../src/config/schema.ts";
import { MESSAGE_TYPE, OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import { DhcpBench, LAN, MAC, MACHINE_ID, OTHER_MAC, pxeOptions } from "../../../support/dhcp-client.ts";

function lan(dhcp: ConfigInput["dhcp"]): ConfigInput {
  return { ...LAN, dhcp: { ...LAN.dhcp, ...dhcp } };
}

test("D-01, D-02 what is no client's question is silence with its reason", async () => {
  const bench = await DhcpBench.start();
  for (const type of ["offer", "ack", "nak"] as const) {
    assert.equal(await bench.silence({ type }), "not-a-request");
  }
  assert.equal(await bench.silence({ op: 2, type: "offer" }), "not-a-request");
  assert.equal(await bench.silence({ type: 99 }), "unknown-message-type");
  assert.equal(await bench.silence({ type: undefined }), "bootp");
  const garbage = await bench.answer(Uint8Array.of(1, 2, 3));
  assert.deepEqual(garbage, { kind: "ignored", reason: "malformed" });
  assert.deepEqual(bench.service.counters(), {
    "ignored:not-a-request": 4,
    "ignored:unknown-message-type": 1,
    "ignored:bootp": 1,
    "ignored:malformed": 1,
  });
});

test("D-87 under ignore a stranger gets silence in every state, and is seen", async () => {
  const bench = await DhcpBench.start(lan({ unknown: "ignore", authoritative: true }));
  assert.equal(await bench.silence({ options: pxeOptions(7) }), "unknown-machine");
  const boot = { type: "request", options: { [OPTION.requestedAddress]: "10.0.0.100" } } as const;
  assert.equal(await bench.silence(boot), "unknown-machine");
  assert.equal(await bench.silence({ type: "request", ciaddr: "10.0.0.100" }), "unknown-machine");
  assert.equal(await bench.silence({ type: "inform", ciaddr: "10.0.0.100" }), "unknown-machine");
  const [seen] = bench.sightings;
  assert.equal(seen?.known, undefined);
  assert.equal(seen?.sighting.mac, MAC);
  assert.equal(seen.sighting.architecture, 7);
  assert.equal(seen.sighting.uuid, "04030201-0605-0807-090a-0b0c0d0e0f10");
  assert.equal(seen.sighting.vendorClass, "PXEClient:Arch:00007:UNDI:003016");
});

test("D-88 under discover a stranger gets a short lease and its boot file", async () => {
  const bench = await DhcpBench.start(lan({ unknown: "discover" }));
  const ack = await bench.lease({ options: pxeOptions(7) });
  assert.equal(ack.packet.options.u32(OPTION.leaseTime), 600);
  assert.equal(ack.packet.file, "snponly.efi");
  bench.register("kube0", { mac: MAC });
  assert.equal((await bench.lease()).packet.options.u32(OPTION.leaseTime), 3600);
});

test("D-89, D-90 a denied MAC gets silence, registered or not, and is not seen", async () => {
  const before = await DhcpBench.start();
  const { yiaddr } = await before.lease();
  const after = await DhcpBench.start(lan({ deny: ["52-54-00-12-34-01"] }), { store: before.store });
  after.register("kube0", { mac: MAC });
  assert.equal(await after.silence(), "denied");
  assert.equal(await after.silence({ type: "request", ciaddr: yiaddr }), "denied");
  assert.equal(await after.silence({ options: pxeOptions(0) }, { listener: "boot-server" }), "denied");
  assert.deepEqual(after.sightings, []);
});

test("D-90 a renewal sees the policy of now", async () => {
  const before = await DhcpBench.start();
  const { yiaddr } = await before.lease();
  const [subnet] = LAN.network!.subnets!;
  const pools = [{ from: "10.0.0.200", to: "10.0.0.209" }];
  const network = { ...LAN.network, subnets: [{ ...subnet!, pools }] };
  const after = await DhcpBench.start({ ...LAN, network }, { store: before.store });
  assert.equal((await after.ask({ type: "request", ciaddr: yiaddr })).type, MESSAGE_TYPE.nak);
  const strict = await DhcpBench.start(lan({ unknown: "ignore" }), { store: before.store });
  assert.equal(await strict.silence({ type: "request", ciaddr: yiaddr }), "unknown-machine");
});

for (const fields of [{ state: "retired" }, { held: "restored from a backup" }] as const) {
  test(`D-91 a machine that is ${"held" in fields ? "held" : fields.state} gets an address and no boot data`, async () => {
    const bench = await DhcpBench.start();
    bench.register("kube0", { mac: MAC }, fields);
    const { packet } = await bench.lease({ options: pxeOptions(0) });
    assert.deepEqual([packet.siaddr, packet.file, packet.sname], [0, "", ""]);
    for (const code of [43, 60, 66, 67]) assert.equal(packet.options.has(code), false, `option ${code}`);
    const outcome = await bench.silence({ options: pxeOptions(0) }, { listener: "boot-server" });
    assert.equal(outcome, "boot-withheld");
  });
}

test("D-91 every other state gets boot data: its boot script decides what happens", async () => {
  for (const state of ["registered", "installing", "installed", "ready", "failed", "discovered"] as const) {
    const bench = await DhcpBench.start();
    bench.register("kube0", { mac: MAC }, { state });
    assert.equal((await bench.lease({ options: pxeOptions(0) })).packet.file, "undionly.kpxe", state);
  }
});

test("D-94 by default this server is not authoritative", async () => {
  const bench = await DhcpBench.start({ ...LAN, dhcp: { mode: "server", unknown: "discover" } });
  assert.equal(await bench.silence({ type: "request", ciaddr: "10.0.0.105" }), "unknown-lease");
});

test("D-01 with DHCP off nothing is answered", async () => {
  const bench = await DhcpBench.start(lan({ mode: "off" }));
  assert.equal(await bench.silence({ options: pxeOptions(0) }), "dhcp-off");
  assert.equal(await bench.silence({ options: pxeOptions(0) }, { listener: "boot-server" }), "dhcp-off");
});

test("D-12 a machine that asks for its name is told it", async () => {
  const bench = await DhcpBench.start();
  bench.register("kube0", { mac: MAC });
  const asked = await bench.ask({ options: { 55: [1, 12] } });
  assert.equal(asked.packet.options.text(OPTION.hostName), "kube0");
  const stranger = await bench.ask({ mac: OTHER_MAC, options: { 55: [1, 12], 12: "web; rm -rf" } });
  assert.equal(stranger.packet.options.has(OPTION.hostName), false);
});

test("D-87 a decision is kept with its reason for diagnosis", async () => {
  const bench = await DhcpBench.start(lan({ unknown: "ignore" }));
  const options = { ...pxeOptions(7), [OPTION.clientMachineId]: MACHINE_ID };
  await bench.silence({ options });
  const [trace] = bench.service.decisionsFor(MAC);
  assert.deepEqual(trace, {
    at: bench.clock.now(),
    client: MAC,
    message: "DISCOVER",
    listener: "server",
    interfaceAddress: "10.0.0.1",
    architecture: 7,
    because: "no machine is registered with this MAC and dhcp.unknown is ignore",
    reason: "unknown-machine",
  });
});
