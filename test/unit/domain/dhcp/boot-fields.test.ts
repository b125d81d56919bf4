import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ConfigInput } from "../../../../src/config/schema.ts";
import { formatIpv4 } from "../../../../src/net/ipv4.ts";
import { OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import { u16Bytes } from "../../../../src/protocol/dhcp/options.ts";
import {
  type ClientPacket,
  clientPacket,
  DhcpBench,
  IPXE_WITH_HTTP,
  IPXE_WITHOUT_HTTP,
  ipxeOptions,
  LAN,
  MAC,
  MACHINE_ID,
  pxeOptions,
  type Received,
  received,
  SERVER,
} from "../../../support/dhcp-client.ts";

const SCRIPT = "http://10.0.0.1:8080/boot/52-54-00-12-34-01.ipxe";
const PI = "dc:a6:32:01:02:03";

function lan(dhcp: ConfigInput["dhcp"]): ConfigInput {
  return { ...LAN, dhcp: { ...LAN.dhcp, ...dhcp } };
}

function httpOptions(architecture: number): NonNullable<ClientPacket["options"]> {
  const vendorClass = `HTTPClient:Arch:${String(architecture).padStart(5, "0")}:UNDI:003001`;
  return { ...pxeOptions(architecture), [OPTION.vendorClass]: vendorClass };
}

function raw(reply: Received, code: number): string {
  return Buffer.from(reply.packet.options.get(code) ?? []).toString("latin1");
}

test("P-01 a client that is no network-booting firmware gets no boot data", async () => {
  const bench = await DhcpBench.start();
  const { packet } = await bench.ask({
    options: { [OPTION.vendorClass]: "MSFT 5.0", 55: [1, 43, 60, 66, 67] },
  });
  assert.deepEqual([packet.siaddr, packet.file, packet.sname], [0, "", ""]);
  for (const code of [43, 60, 66, 67, 97]) assert.equal(packet.options.has(code), false);
});

test("P-02 an odd option 93 falls back on the vendor class, and without any there is no boot file", async () => {
  const bench = await DhcpBench.start();
  const odd = { ...pxeOptions(11), [OPTION.clientArchitecture]: Uint8Array.of(0, 7, 0) };
  assert.equal((await bench.ask({ options: odd })).packet.file, "arm64/snponly.efi");
  const none = await bench.ask({ options: { [OPTION.vendorClass]: "PXEClient" } });
  assert.equal(none.packet.file, "");
  assert.match(bench.service.decisionsFor(MAC).at(-1)!.because, /no boot file for architecture none given/);
});

test("P-03 the machine id comes back byte for byte, of whatever length, and only when it was sent", async () => {
  const bench = await DhcpBench.start();
  const echoed = await bench.ask({ options: pxeOptions(7) });
  assert.deepEqual([...echoed.packet.options.get(OPTION.clientMachineId)!], [...MACHINE_ID]);
  const short = { ...pxeOptions(7), [OPTION.clientMachineId]: Uint8Array.of(0, 1, 2) };
  const odd = await bench.ask({ options: short });
  assert.deepEqual([...odd.packet.options.get(OPTION.clientMachineId)!], [0, 1, 2]);
  const without = Object.entries(pxeOptions(7)).filter(([code]) => Number(code) !== OPTION.clientMachineId);
  const absent = await bench.ask({ options: Object.fromEntries(without) });
  assert.equal(absent.packet.options.has(OPTION.clientMachineId), false);
  assert.equal(absent.packet.file, "snponly.efi");
});

test("P-05, P-07, P-10 a PXE client finds server and file in every place that any firmware looks", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask({ options: pxeOptions(0) });
  assert.equal(formatIpv4(offer.packet.siaddr), SERVER);
  assert.equal(offer.packet.sname, SERVER);
  assert.equal(offer.packet.file, "undionly.kpxe");
  assert.equal(raw(offer, OPTION.serverName), "10.0.0.1\0");
  assert.equal(raw(offer, OPTION.bootFile), "undionly.kpxe\0");
  assert.equal(raw(offer, OPTION.vendorClass), "PXEClient");
  assert.equal(raw(offer, OPTION.vendorSpecific), "\x06\x01\x08\xff");
  assert.equal([...offer.packet.options.codes()].at(-1), OPTION.bootFile);
});

test("P-05 option 60 never goes without a discovery control", async () => {
  const bench = await DhcpBench.start();
  for (let code = 0; code < 50; code++) {
    for (const options of [pxeOptions(code), ipxeOptions(code)]) {
      const { packet } = await bench.ask({ options });
      if (packet.options.text(OPTION.vendorClass) !== "PXEClient") continue;
      assert.equal(packet.options.get(OPTION.vendorSpecific)?.[0], 6, `architecture ${code}`);
    }
  }
});

test("P-06 the ACK says the same as the OFFER", async () => {
  const bench = await DhcpBench.start();
  for (const options of [pxeOptions(0), pxeOptions(7), httpOptions(16), ipxeOptions()]) {
    const offer = await bench.ask({ options });
    const ack = await bench.lease({ options });
    const boot = (reply: Received): unknown => [
      reply.packet.siaddr,
      reply.packet.sname,
      reply.packet.file,
      ...[43, 60, 66, 67, 97, 175].map((code) => raw(reply, code)),
    ];
    assert.deepEqual(boot(ack), boot(offer));
  }
});

test("P-08 a file name over 127 octets stands in option 67 only", async () => {
  const bootFile = `${"d/".repeat(64)}boot.efi`;
  const bench = await DhcpBench.start(lan({ architectures: [{ code: 7, bootFile }] }));
  const offer = await bench.ask({ options: pxeOptions(7) });
  assert.equal(offer.packet.file, "");
  assert.equal(offer.packet.options.text(OPTION.bootFile), bootFile);
});

test("P-09 option 13 is never sent, asked for or not", async () => {
  const bench = await DhcpBench.start();
  const options = { ...pxeOptions(7), 55: [1, 13, 66, 67] };
  assert.equal((await bench.ask({ options })).packet.options.has(OPTION.bootFileSize), false);
});

test("P-07 U-Boot gets its strings without NUL", async () => {
  const bench = await DhcpBench.start(lan({ architectures: [{ code: 22, bootFile: "boot.scr.uimg" }] }));
  const offer = await bench.ask({ options: pxeOptions(22) });
  assert.equal(raw(offer, OPTION.bootFile), "boot.scr.uimg");
  assert.equal(raw(offer, OPTION.serverName), "10.0.0.1");
  assert.equal(offer.packet.file, "boot.scr.uimg");
});

test("P-07 a Raspberry Pi gets its menu entry, mask and router, no NUL and no BIOS program", async () => {
  const bench = await DhcpBench.start();
  const options = { ...pxeOptions(0), 55: [43, 60, 66, 67] };
  const offer = await bench.ask({ mac: PI, options });
  assert.match(raw(offer, OPTION.vendorSpecific), /Raspberry Pi Boot/);
  assert.equal(offer.packet.options.has(OPTION.routers), true);
  assert.equal(offer.packet.options.has(OPTION.subnetMask), true);
  assert.equal(raw(offer, OPTION.serverName), "10.0.0.1");
  assert.equal(offer.packet.file, "");
  assert.equal(offer.packet.options.has(OPTION.bootFile), false);
  assert.equal(formatIpv4(offer.packet.siaddr), SERVER);
});

test("P-06 a Raspberry Pi drops its vendor class from the REQUEST and gets the same answer", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask({ mac: PI, options: pxeOptions(0) });
  const options = { [OPTION.requestedAddress]: offer.yiaddr, [OPTION.serverId]: SERVER };
  const ack = await bench.ask({ mac: PI, type: "request", options });
  assert.equal(raw(ack, OPTION.vendorSpecific), raw(offer, OPTION.vendorSpecific));
  assert.equal(formatIpv4(ack.packet.siaddr), SERVER);
});

test("P-22 firmware without a boot file gets an address, and the decision says why no file", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask({ options: pxeOptions(37) });
  assert.equal(offer.yiaddr, "10.0.0.100");
  assert.deepEqual([offer.packet.siaddr, offer.packet.file], [0, ""]);
  assert.equal(offer.packet.options.has(OPTION.vendorClass), false);
  assert.match(bench.service.decisionsFor(MAC)[0]!.because, /no boot file for architecture 37/);
});

test("P-01 the boot file of a machine's spec wins", async () => {
  const bench = await DhcpBench.start();
  bench.register("kube0", { mac: MAC, firmware: { bootFile: "ipxe.efi" } });
  assert.equal((await bench.ask({ options: pxeOptions(7) })).packet.file, "ipxe.efi");
});

const AS_IPXE: readonly { readonly name: string; readonly options: NonNullable<ClientPacket["options"]> }[] =
  [
    { name: "P-30 a raw user class is iPXE's and gets the script", options: { [OPTION.userClass]: "iPXE" } },
    {
      name: "P-31 a user class with its length is iPXE's and gets the script",
      options: { [OPTION.userClass]: Uint8Array.of(4, 0x69, 0x50, 0x58, 0x45) },
    },
    {
      name: "P-32 option 175 alone is iPXE's and gets the script",
      options: { [OPTION.ipxe]: IPXE_WITH_HTTP },
    },
    {
      name: "P-33 our own mark gets the script, whatever option 175 says",
      options: { [OPTION.userClass]: "muster", [OPTION.ipxe]: IPXE_WITHOUT_HTTP },
    },
    {
      name: "P-34 an option 175 that announces nothing gets the script",
      options: { [OPTION.ipxe]: Uint8Array.of(0xb1, 1, 0) },
    },
  ];

for (const { name, options } of AS_IPXE) {
  test(name, async () => {
    const bench = await DhcpBench.start();
    const offer = await bench.ask({ options: { ...pxeOptions(7), ...options } });
    assert.equal(offer.packet.file, SCRIPT);
    assert.equal(raw(offer, OPTION.bootFile), SCRIPT);
  });
}

test("P-33, P-34, P-35 an iPXE without HTTP is sent a complete one, and that one gets the script", async () => {
  const bench = await DhcpBench.start();
  const rom = { ...pxeOptions(0), [OPTION.userClass]: "iPXE", [OPTION.ipxe]: IPXE_WITHOUT_HTTP };
  assert.equal((await bench.ask({ options: rom })).packet.file, "ipxe.pxe");
  const efi = { ...rom, ...pxeOptions(7) };
  assert.equal((await bench.ask({ options: efi })).packet.file, "ipxe.efi");
  assert.equal((await bench.ask({ options: { ...rom, [OPTION.ipxe]: IPXE_WITH_HTTP } })).packet.file, SCRIPT);
});

test("P-36 no iPXE is ever sent the program that it is", async () => {
  const bench = await DhcpBench.start();
  const features = fc.uniqueArray(fc.integer({ min: 16, max: 60 }), { maxLength: 10 });
  const asking = fc.record({
    architecture: fc.nat(50),
    userClass: fc.constantFrom(undefined, "iPXE", "\u0004iPXE", "muster"),
    features: fc.option(features, { nil: undefined }),
    listener: fc.constantFrom("server" as const, "boot-server" as const),
  });
  await fc.assert(
    fc.asyncProperty(asking, async ({ architecture, userClass, features: announced, listener }) => {
      fc.pre(userClass !== undefined || announced !== undefined);
      const options = {
        ...pxeOptions(architecture),
        ...(userClass === undefined ? {} : { [OPTION.userClass]: userClass }),
        ...(announced ? { [OPTION.ipxe]: announced.flatMap((code) => [code, 1, 1]) } : {}),
      };
      const outcome = await bench.answer(clientPacket({ options, ciaddr: "10.0.0.100" }), { listener });
      if (outcome.kind === "ignored") return;
      const { file } = received(outcome).packet;
      const lacksHttp = announced !== undefined && announced.length > 0 && !announced.includes(19);
      assert.ok(file === SCRIPT || file === "" || lacksHttp, `${file} is what asks`);
      assert.equal(
        /undionly|snponly/.test(file),
        false,
        "the program that firmware gets is no answer to iPXE",
      );
    }),
    { seed: 36, numRuns: 500 },
  );
});

test("P-37 as DHCP server iPXE is told not to wait for a proxy", async () => {
  const bench = await DhcpBench.start();
  const offer = await bench.ask({ options: ipxeOptions() });
  assert.deepEqual([...offer.packet.options.get(OPTION.ipxe)!], [176, 1, 1]);
  assert.equal(offer.packet.options.has(OPTION.vendorClass), false);
  assert.equal((await bench.ask({ options: pxeOptions(0) })).packet.options.has(OPTION.ipxe), false);
});

test("P-38, P-41 the script's address names the MAC and ends in .ipxe", async () => {
  const bench = await DhcpBench.start();
  assert.equal((await bench.ask({ options: ipxeOptions() })).packet.file, SCRIPT);
  const guid = { htype: 255, hlen: 16, chaddr: new Uint8Array(16).fill(7) };
  const unnamed = await bench.ask({ ...guid, options: ipxeOptions() });
  assert.equal(unnamed.packet.file, "http://10.0.0.1:8080/boot/script.ipxe");
});

test("P-50, P-53 UEFI HTTP boot gets its vendor class and the URL of its program", async () => {
  const bench = await DhcpBench.start();
  const cases = [
    [16, "snponly.efi"],
    [17, "snponly.efi"],
    [19, "arm64/snponly.efi"],
  ] as const;
  for (const [code, file] of cases) {
    const offer = await bench.ask({ options: httpOptions(code) });
    const url = `http://10.0.0.1:8080/boot/files/${file}`;
    assert.equal(raw(offer, OPTION.vendorClass), "HTTPClient");
    assert.equal(raw(offer, OPTION.bootFile), url);
    assert.equal(offer.packet.file, url);
    assert.equal(offer.packet.sname, "");
    for (const absent of [43, 66]) assert.equal(offer.packet.options.has(absent), false);
    for (const present of [1, 3, 6]) assert.equal(offer.packet.options.has(present), true);
  }
});

test("P-52 URLs carry no closing NUL", async () => {
  const bench = await DhcpBench.start();
  for (const options of [ipxeOptions(7), httpOptions(16)]) {
    assert.equal(raw(await bench.ask({ options }), OPTION.bootFile).includes("\0"), false);
  }
});

test("P-54 an HTTPS address of the operator's own is sent as it stands", async () => {
  const bootFile = "https://10.0.0.1:8443/boot/files/snponly.efi";
  const bench = await DhcpBench.start(lan({ architectures: [{ code: 16, bootFile }] }));
  assert.equal(raw(await bench.ask({ options: httpOptions(16) }), OPTION.bootFile), bootFile);
});

test("P-01 an architecture can be taken out by configuration", async () => {
  const bench = await DhcpBench.start(lan({ architectures: [{ code: 0, bootFile: null }] }));
  assert.equal((await bench.ask({ options: pxeOptions(0) })).packet.file, "");
});

test("P-02 codes of option 93 are read as a list", async () => {
  const bench = await DhcpBench.start();
  const several = Uint8Array.from([...u16Bytes(999), ...u16Bytes(11)]);
  const options = { ...pxeOptions(7), [OPTION.clientArchitecture]: several };
  assert.equal((await bench.ask({ options })).packet.file, "arm64/snponly.efi");
});
