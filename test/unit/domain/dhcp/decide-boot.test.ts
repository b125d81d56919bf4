import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigInput } from "../../../../src/config/schema.ts";
import { formatIpv4 } from "../../../../src/net/ipv4.ts";
import { MESSAGE_TYPE, OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import {
  type ClientPacket,
  DhcpBench,
  ip,
  ipxeOptions,
  LAN,
  MAC,
  OTHER_MAC,
  pxeOptions,
  type Received,
  SERVER,
} from "../../../support/dhcp-client.ts";

const PROXY: ConfigInput = {
  network: { address: SERVER, subnets: [] },
  dhcp: { mode: "proxy", unknown: "discover", clientRate: 1000 },
};
const BOOT_SERVER = { listener: "boot-server", source: { address: "10.0.0.55", port: 4011 } } as const;
const LEASE_OPTIONS = [1, 3, 6, 51, 58, 59];

/** What PXE firmware asks on port 4011, once it has an address. */
function bootRequest(architecture: number, more: ClientPacket["options"] = {}): ClientPacket {
  return { type: "request", ciaddr: "10.0.0.55", options: { ...pxeOptions(architecture), ...more } };
}

function raw(reply: Received, code: number): string {
  return Buffer.from(reply.packet.options.get(code) ?? []).toString("latin1");
}

test("P-11 beside another server PXE firmware gets boot data and no lease option", async () => {
  const bench = await DhcpBench.start(PROXY);
  const offer = await bench.ask({ options: pxeOptions(7) });
  assert.equal(offer.type, MESSAGE_TYPE.offer);
  assert.equal(offer.to, "255.255.255.255:68");
  assert.equal(offer.yiaddr, "0.0.0.0");
  assert.equal(formatIpv4(offer.packet.siaddr), SERVER);
  assert.equal(offer.packet.options.ipv4(OPTION.serverId), ip(SERVER));
  assert.equal(raw(offer, OPTION.vendorClass), "PXEClient");
  assert.equal(raw(offer, OPTION.vendorSpecific), "\x06\x01\x08\xff");
  assert.equal(offer.packet.options.has(OPTION.clientMachineId), true);
  assert.equal(offer.packet.file, "snponly.efi");
  for (const code of LEASE_OPTIONS) assert.equal(offer.packet.options.has(code), false, `option ${code}`);
  assert.deepEqual(bench.service.leases(), []);
});

test("P-12 in proxy mode everything but a DISCOVER is the other server's business", async () => {
  const bench = await DhcpBench.start(PROXY);
  for (const type of ["request", "inform", "release", "decline"] as const) {
    assert.equal(await bench.silence({ type, options: pxeOptions(7) }), "address-server-elsewhere");
  }
});

test("P-12 in proxy mode the address that a machine takes from the other server is known before it reads a file", async () => {
  const bench = await DhcpBench.start(PROXY);
  const taken = {
    ...pxeOptions(7),
    [OPTION.requestedAddress]: [10, 0, 0, 55],
    [OPTION.serverId]: [10, 0, 0, 9],
  };
  await bench.silence({ type: "request", options: taken });
  assert.equal(bench.sightings.at(-1)?.sighting.address, "10.0.0.55");
  await bench.ask(bootRequest(7), BOOT_SERVER);
  assert.equal(bench.sightings.at(-1)?.sighting.address, "10.0.0.55");
  const plain = { [OPTION.requestedAddress]: [10, 0, 0, 56], [OPTION.serverId]: [10, 0, 0, 9] };
  const before = bench.sightings.length;
  await bench.silence({ type: "request", mac: OTHER_MAC, options: plain });
  assert.equal(bench.sightings.length, before, "who does not boot is nobody's business here");
});

test("P-13 in proxy mode other clients get silence and are not seen", async () => {
  const bench = await DhcpBench.start(PROXY);
  assert.equal(await bench.silence(), "not-a-boot-client");
  assert.equal(await bench.silence({ options: { [OPTION.vendorClass]: "MSFT 5.0" } }), "not-a-boot-client");
  assert.deepEqual(bench.sightings, []);
});

test("D-87, P-11 in proxy mode with ignore a stranger's firmware gets silence and is seen", async () => {
  const bench = await DhcpBench.start({ ...PROXY, dhcp: { mode: "proxy" } });
  assert.equal(await bench.silence({ options: pxeOptions(7) }), "unknown-machine");
  assert.equal(await bench.silence(bootRequest(7), BOOT_SERVER), "unknown-machine");
  assert.equal(bench.sightings.length, 2);
  bench.register("kube0", { mac: MAC });
  assert.equal((await bench.ask({ options: pxeOptions(7) })).packet.file, "snponly.efi");
});

test("P-14 a REQUEST on 4011 is acknowledged to the client's address and port with all boot data", async () => {
  const bench = await DhcpBench.start(PROXY);
  const ack = await bench.ask(bootRequest(7), BOOT_SERVER);
  assert.equal(ack.type, MESSAGE_TYPE.ack);
  assert.equal(ack.to, "10.0.0.55:4011");
  assert.equal(ack.yiaddr, "0.0.0.0");
  assert.equal(formatIpv4(ack.packet.ciaddr), "10.0.0.55");
  assert.equal(formatIpv4(ack.packet.siaddr), SERVER);
  assert.equal(ack.packet.options.ipv4(OPTION.serverId), ip(SERVER));
  assert.equal(raw(ack, OPTION.vendorClass), "PXEClient");
  assert.equal(raw(ack, OPTION.bootFile), "snponly.efi\0");
  assert.equal(ack.packet.file, "snponly.efi");
  assert.equal(ack.packet.options.has(OPTION.clientMachineId), true);
  for (const code of LEASE_OPTIONS) assert.equal(ack.packet.options.has(code), false, `option ${code}`);
});

test("P-14 every architecture with a boot file is answered on 4011", async () => {
  const bench = await DhcpBench.start(PROXY);
  for (const code of [0, 7, 9, 11, 27, 39]) {
    const ack = await bench.ask(bootRequest(code), BOOT_SERVER);
    assert.notEqual(ack.packet.file, "", `architecture ${code}`);
  }
  assert.equal(await bench.silence(bootRequest(37), BOOT_SERVER), "no-boot-file");
});

test("P-15 a boot item is repeated, and one that asks for credentials refused", async () => {
  const bench = await DhcpBench.start(PROXY);
  const item = (layer: number): ClientPacket["options"] => ({
    43: Uint8Array.of(71, 4, 0, 3, layer, 0, 255),
  });
  const ack = await bench.ask(bootRequest(7, item(0)), BOOT_SERVER);
  assert.equal(raw(ack, OPTION.vendorSpecific), "\x06\x01\x08\x47\x04\x00\x03\x00\x00\xff");
  assert.equal(await bench.silence(bootRequest(7, item(0x80)), BOOT_SERVER), "credentials-asked");
});

test("P-16 on 4011 only the architecture of this packet counts", async () => {
  const bench = await DhcpBench.start(PROXY);
  assert.equal((await bench.ask({ options: pxeOptions(0) })).packet.file, "undionly.kpxe");
  assert.equal((await bench.ask(bootRequest(11), BOOT_SERVER)).packet.file, "arm64/snponly.efi");
});

test("P-17 INFORM and DISCOVER on 4011 are answered like a REQUEST", async () => {
  const bench = await DhcpBench.start(PROXY);
  for (const type of ["inform", "discover"] as const) {
    const ack = await bench.ask({ ...bootRequest(7), type }, BOOT_SERVER);
    assert.equal(ack.type, MESSAGE_TYPE.ack);
    assert.equal(ack.to, "10.0.0.55:4011");
    assert.equal(ack.packet.file, "snponly.efi");
  }
});

test("P-14 on 4011 other clients are silence, and so are those without any address", async () => {
  const bench = await DhcpBench.start(PROXY);
  assert.equal(
    await bench.silence({ type: "request", ciaddr: "10.0.0.55" }, BOOT_SERVER),
    "not-a-boot-client",
  );
  const nowhere = { type: "request", options: pxeOptions(7) } as const;
  const source = { address: "0.0.0.0", port: 68 };
  assert.equal(await bench.silence(nowhere, { ...BOOT_SERVER, source }), "no-client-address");
});

test("P-18 as DHCP server there is one offer with address and boot data, and 4011 is answered too", async () => {
  const bench = await DhcpBench.start(LAN);
  const offer = await bench.ask({ options: pxeOptions(7) });
  assert.equal(offer.yiaddr, "10.0.0.100");
  assert.equal(offer.packet.file, "snponly.efi");
  const ack = await bench.ask(bootRequest(7), BOOT_SERVER);
  assert.equal(ack.yiaddr, "0.0.0.0");
  assert.equal(ack.packet.file, "snponly.efi");
});

test("P-19 in proxy mode a relayed DISCOVER is answered to the relay, with the address that its network knows", async () => {
  const bench = await DhcpBench.start(PROXY);
  const offer = await bench.ask({ giaddr: "10.7.0.1", options: pxeOptions(7) });
  assert.equal(offer.to, "10.7.0.1:67");
  assert.equal(formatIpv4(offer.packet.siaddr), SERVER);
  const subnets = [{ cidr: "10.7.0.0/24", bootServer: "192.0.2.9" }];
  const natted = await DhcpBench.start({ ...PROXY, network: { address: SERVER, subnets } });
  const known = await natted.ask({ giaddr: "10.7.0.1", options: pxeOptions(7) });
  assert.equal(formatIpv4(known.packet.siaddr), "192.0.2.9");
  assert.equal(known.packet.options.ipv4(OPTION.serverId), ip("192.0.2.9"));
});

test("P-11 iPXE beside another server gets its script in a proxy offer", async () => {
  const bench = await DhcpBench.start(PROXY);
  const offer = await bench.ask({ options: ipxeOptions(7) });
  assert.equal(offer.packet.file, "http://10.0.0.1:8080/boot/52-54-00-12-34-01.ipxe");
  assert.equal(raw(offer, OPTION.vendorClass), "PXEClient");
  assert.equal(offer.packet.options.has(OPTION.ipxe), false, "it must wait for the other server's address");
});

test("P-51 UEFI HTTP boot beside another server gets its vendor class and URL, and no address", async () => {
  const bench = await DhcpBench.start(PROXY);
  const options = { ...pxeOptions(16), [OPTION.vendorClass]: "HTTPClient:Arch:00016:UNDI:003001" };
  const offer = await bench.ask({ options });
  assert.equal(offer.yiaddr, "0.0.0.0");
  assert.equal(raw(offer, OPTION.vendorClass), "HTTPClient");
  assert.equal(raw(offer, OPTION.bootFile), "http://10.0.0.1:8080/boot/files/snponly.efi");
  assert.equal(offer.packet.options.has(OPTION.serverId), true);
  assert.equal(offer.packet.options.has(OPTION.vendorSpecific), false);
});

test("P-21 an answer needs nothing but memory: it is there in the same turn", async () => {
  const bench = await DhcpBench.start(PROXY);
  bench.store.break();
  assert.equal((await bench.ask({ mac: OTHER_MAC, options: pxeOptions(7) })).packet.file, "snponly.efi");
});

test("P-23 a machine that asks for its boot file again and again raises an event, once", async () => {
  const bench = await DhcpBench.start(LAN);
  bench.register("kube0", { mac: MAC });
  for (let boot = 0; boot < 15; boot++) {
    await bench.lease({ options: pxeOptions(0) });
    bench.clock.advance(40_000);
  }
  const [event, ...more] = bench.events.ofType("firmware-boot-loop");
  assert.equal(event?.machine, "kube0");
  assert.deepEqual(more, []);
});
