import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIpv4 } from "../../../../src/net/ipv4.ts";
import { parseSubnet } from "../../../../src/net/subnet.ts";
import { encodeClasslessRoutes } from "../../../../src/protocol/dhcp/classless-routes.ts";
import { decodeArchitectures } from "../../../../src/protocol/dhcp/client-architecture.ts";
import { decodeClientMachineId } from "../../../../src/protocol/dhcp/client-machine-id.ts";
import { decodeIpxeFeatures, encodeNoProxyWait } from "../../../../src/protocol/dhcp/ipxe-options.ts";
import { OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import { DhcpOptions, textBytes } from "../../../../src/protocol/dhcp/options.ts";
import { decodeBootItem, encodePxeVendor } from "../../../../src/protocol/dhcp/pxe-vendor.ts";
import { decodeRelayAgent } from "../../../../src/protocol/dhcp/relay-agent.ts";
import { decodeSubOptions } from "../../../../src/protocol/dhcp/sub-options.ts";
import { decodeUserClasses } from "../../../../src/protocol/dhcp/user-class.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("P-30, P-31 the user class is read raw, as iPXE sends it, and as a list", () => {
  assert.deepEqual(decodeUserClasses(textBytes("iPXE")), ["iPXE"]);
  assert.deepEqual(decodeUserClasses(hex("04 69505845")), ["iPXE"]);
  assert.deepEqual(decodeUserClasses(hex("04 69505845 03 616263")), ["iPXE", "abc"]);
  assert.deepEqual(decodeUserClasses(new Uint8Array(0)), [""]);
});

test("P-34 features of iPXE are the announced codes with a value", () => {
  const features = decodeIpxeFeatures(hex("b101 00 1301 01 1801 01 2401 00 05"));
  assert.deepEqual([...features], [19, 24]);
  assert.equal(decodeIpxeFeatures(hex("b10100")).size, 0);
});

test("P-37 no proxy wait is sub-option 176 with value 1", () => {
  assert.equal(toHex(encodeNoProxyWait()), "b00101");
});

test("P-03, P-04 the machine id is written with its first three fields turned round", () => {
  const wire = hex("00 33221100 5544 7766 8899 aabbccddeeff");
  assert.equal(decodeClientMachineId(wire), "00112233-4455-6677-8899-aabbccddeeff");
  assert.equal(decodeClientMachineId(wire.subarray(0, 16)), undefined);
  assert.equal(decodeClientMachineId(Uint8Array.from([1, ...wire.subarray(1)])), undefined);
});

test("P-02 option 93 is a list; the vendor class stands in where it is unusable", () => {
  const options = (entries: [number, Uint8Array][]): DhcpOptions => new DhcpOptions(new Map(entries));
  const vendor: [number, Uint8Array] = [OPTION.vendorClass, textBytes("PXEClient:Arch:00009:UNDI:003016")];
  assert.deepEqual(decodeArchitectures(options([[93, hex("0007 0006")]])), [7, 6]);
  assert.deepEqual(decodeArchitectures(options([[93, hex("000700")], vendor])), [9]);
  assert.deepEqual(decodeArchitectures(options([[93, hex("")], vendor])), [9]);
  assert.deepEqual(decodeArchitectures(options([[60, textBytes("PXEClient")]])), []);
});

test("P-20 option 43 is sub-options and a closing 255", () => {
  assert.equal(toHex(encodePxeVendor({ discoveryControl: 8 })), "060108ff");
  const pi = encodePxeVendor({
    discoveryControl: 3,
    menu: [{ type: 0, text: "Raspberry Pi Boot" }],
    prompt: { timeoutSeconds: 0, text: "PXE" },
  });
  assert.equal(toHex(pi), `0601030914000011${toHex(textBytes("Raspberry Pi Boot"))}0a0400505845ff`);
});

test("P-20 menu entries that do not fit 255 octets are left out", () => {
  const menu = Array.from({ length: 9 }, (_, index) => ({ type: index, text: "x".repeat(50) }));
  const bytes = encodePxeVendor({ discoveryControl: 3, menu });
  assert.ok(bytes.length <= 255);
  assert.equal(bytes.at(-1), 255);
  const kept = decodeSubOptions(bytes, { markers: true }).get(9);
  assert.equal(kept?.length, 4 * 53);
});

test("P-15 the boot item is read from sub-option 71", () => {
  assert.deepEqual(decodeBootItem(hex("4704 0003 8001 ff")), { type: 3, layer: 0x8001 });
  assert.equal(decodeBootItem(hex("060108 ff")), undefined);
  assert.equal(decodeBootItem(hex("4703 000300 ff")), undefined);
});

test("D-76, D-78, D-80 the relay's option gives circuit, link selection and server identity", () => {
  const info = decodeRelayAgent(hex("0104 65746831 0202 abcd 0504 0a000200 0b04 0a000201 1300"));
  assert.equal(info.circuitId, "65746831");
  assert.equal(info.remoteId, "abcd");
  assert.equal(info.linkSelection, parseIpv4("10.0.2.0"));
  assert.equal(info.serverIdOverride, parseIpv4("10.0.2.1"));
  assert.equal(info.answerToSourcePort, true);
});

test("D-74 a broken relay option is read as far as it is whole", () => {
  assert.deepEqual(decodeRelayAgent(hex("0102 6162 05ff 01")), {
    circuitId: "6162",
    answerToSourcePort: false,
  });
  assert.deepEqual(decodeRelayAgent(hex("0503 0a0002")), { answerToSourcePort: false });
});

test("D-14 a route is its prefix length, the octets that it covers and the gateway", () => {
  const via = parseIpv4("10.0.0.1")!;
  const to = (text: string): NonNullable<ReturnType<typeof parseSubnet>> => parseSubnet(text)!;
  const routes = [to("10.17.0.0/16"), to("192.168.1.128/25"), to("0.0.0.0/0")].map((net) => ({
    to: net,
    via,
  }));
  const expected = "10 0a11 0a000001 19 c0a80180 0a000001 00 0a000001";
  assert.equal(toHex(encodeClasslessRoutes(routes)), expected.replaceAll(" ", ""));
});
