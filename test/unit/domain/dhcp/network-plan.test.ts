import assert from "node:assert/strict";
import { test } from "node:test";
import { configSchema } from "../../../../src/config/schema.ts";
import type { NetworkSettings } from "../../../../src/domain/dhcp/network-config.ts";
import type { CheckOptions } from "../../../../src/domain/dhcp/network-faults.ts";
import { buildNetworkPlan, checkNetwork, networkWarnings } from "../../../../src/domain/dhcp/network-plan.ts";
import { ConfigError } from "../../../../src/domain/errors.ts";
import { formatSubnet } from "../../../../src/net/subnet.ts";
import { ip } from "../../../support/dhcp-client.ts";

function network(...subnets: readonly object[]): NetworkSettings {
  return configSchema.parse({ network: { address: "10.0.0.1", subnets } }).network;
}

function faults(settings: NetworkSettings, options?: CheckOptions): readonly string[] {
  return checkNetwork(settings, options).map(({ path, message }) => `${path}: ${message}`);
}

test("D-84 a sound network has no fault", () => {
  const settings = network(
    {
      cidr: "10.0.0.0/24",
      router: "10.0.0.254",
      pools: [
        { from: "10.0.0.10", to: "10.0.0.19" },
        { from: "10.0.0.20", to: "10.0.0.29" },
      ],
      relays: ["172.16.0.1"],
    },
    { cidr: "10.0.1.0/24", sharedWith: "10.0.0.0/24" },
  );
  const machines = [
    { name: "kube0", spec: { address: "10.0.0.15" } },
    { name: "kube1", spec: {} },
  ];
  const reservations = [{ address: "10.0.0.16", mac: "52:54:00:12:34:01" }];
  assert.deepEqual(faults(settings, { machines, reservations }), []);
});

test("D-84 networks that overlap are refused", () => {
  assert.deepEqual(faults(network({ cidr: "10.0.0.0/16" }, { cidr: "10.0.5.0/24" })), [
    "network.subnets[1].cidr: 10.0.5.0/24 overlaps 10.0.0.0/16; addresses there would be given out twice",
  ]);
});

test("D-84 pools outside of their network, turned round or overlapping are refused", () => {
  const pools = [
    { from: "10.0.1.1", to: "10.0.1.9" },
    { from: "10.0.0.9", to: "10.0.0.5" },
    { from: "10.0.0.20", to: "10.0.0.30" },
    { from: "10.0.0.30", to: "10.0.0.40" },
  ];
  assert.deepEqual(faults(network({ cidr: "10.0.0.0/24", pools })), [
    "network.subnets[0].pools[0]: 10.0.1.1 to 10.0.1.9 is not within 10.0.0.0/24",
    "network.subnets[0].pools[1]: 10.0.0.9 comes after 10.0.0.5; swap from and to",
    "network.subnets[0].pools[3]: overlaps network.subnets[0].pools[2]",
  ]);
});

test("D-84 routers and gateways outside of their network are refused", () => {
  const routes = [{ to: "192.168.0.0/16", via: "10.9.0.1" }];
  assert.deepEqual(faults(network({ cidr: "10.0.0.0/24", router: "10.0.1.1", routes })), [
    "network.subnets[0].router: 10.0.1.1 is not in 10.0.0.0/24",
    "network.subnets[0].routes[0].via: 10.9.0.1 is not in 10.0.0.0/24",
  ]);
});

test("D-84 sharing a wire with an unknown network, and a relay of two networks, are refused", () => {
  const settings = network(
    { cidr: "10.0.0.0/24", sharedWith: "10.5.0.0/24", relays: ["172.16.0.1", "10.0.1.1"] },
    { cidr: "10.0.1.0/24", sharedWith: "10.0.1.0/24", relays: ["172.16.0.1"] },
  );
  assert.deepEqual(faults(settings), [
    "network.subnets[0].sharedWith: 10.5.0.0/24 is not another configured network",
    "network.subnets[1].sharedWith: 10.0.1.0/24 is not another configured network",
    "network.subnets[0].relays[1]: the relay 10.0.1.1 already stands for 10.0.1.0/24",
    "network.subnets[1].relays[0]: the relay 172.16.0.1 already stands for 10.0.0.0/24",
  ]);
});

test("D-84 an address reserved twice, or where something else stands, is refused", () => {
  const settings = network({ cidr: "10.0.0.0/24", router: "10.0.0.254" });
  const machines = ["10.0.0.5", "10.0.0.1", "10.0.0.254", "10.0.0.0", "10.0.0.255"].map((address, index) => ({
    name: `kube${index}`,
    spec: { address },
  }));
  const reservations = [{ address: "10.0.0.5", mac: "52:54:00:12:34:01" }];
  assert.deepEqual(faults(settings, { machines, reservations }), [
    "machines.kube0.address: 10.0.0.5 is already reserved by dhcp.reservations[0].address",
    "machines.kube1.address: 10.0.0.1 is the appliance's own address",
    "machines.kube2.address: 10.0.0.254 is the router of 10.0.0.0/24",
    "machines.kube3.address: 10.0.0.0 is the network address of 10.0.0.0/24",
    "machines.kube4.address: 10.0.0.255 is the broadcast address of 10.0.0.0/24",
  ]);
});

test("D-84 a reservation names exactly one identity, and each identity once", () => {
  const reservations = [
    { address: "10.0.0.5", mac: "52:54:00:12:34:01" },
    { address: "10.0.0.6", mac: "52:54:00:12:34:01" },
    { address: "10.0.0.7" },
    { address: "10.0.0.8", clientId: "01aa", uuid: "00112233-4455-6677-8899-aabbccddeeff" },
  ];
  assert.deepEqual(faults(network({ cidr: "10.0.0.0/24" }), { reservations }), [
    "dhcp.reservations[1].mac: is already used by dhcp.reservations[0]",
    "dhcp.reservations[2]: name exactly one of mac, clientId, uuid and circuitId",
    "dhcp.reservations[3]: name exactly one of mac, clientId, uuid and circuitId",
  ]);
});

test("D-13, P-09 options that the protocol decides, and such without one value, are refused", () => {
  const options = [
    { code: 53, text: "x", always: true },
    { code: 13, hex: "0001", always: true },
    { code: 224, always: true },
    { code: 225, text: "x", hex: "00", always: true },
    { code: 226, addresses: [], always: true },
    { code: 227, addresses: ["10.0.0.1"], always: true },
  ];
  assert.deepEqual(faults(network({ cidr: "10.0.0.0/24" }), { options }), [
    "dhcp.options[0].code: option 53 cannot be set here",
    "dhcp.options[1].code: option 13 cannot be set here",
    "dhcp.options[2]: give exactly one of text, hex and addresses",
    "dhcp.options[3]: give exactly one of text, hex and addresses",
    "dhcp.options[4]: give exactly one of text, hex and addresses",
  ]);
});

test("D-85 networks too small for UEFI are warned of, not refused", () => {
  const settings = network({ cidr: "10.0.0.0/31" }, { cidr: "10.0.0.8/32" }, { cidr: "10.0.1.0/30" });
  assert.deepEqual(faults(settings), []);
  assert.deepEqual(networkWarnings(settings), [
    {
      path: "network.subnets[0].cidr",
      message: "UEFI firmware refuses leases in a /31; use a /30 or larger",
    },
    {
      path: "network.subnets[1].cidr",
      message: "UEFI firmware refuses leases in a /32; use a /30 or larger",
    },
  ]);
});

test("D-84 no plan is built from a network with faults", () => {
  const settings = network({ cidr: "10.0.0.0/16" }, { cidr: "10.0.5.0/24" });
  assert.throws(() => buildNetworkPlan(settings, { excludeNetworkEnds: true }), ConfigError);
});

test("D-73, D-82 the plan finds networks by address, by relay and by wire", () => {
  const plan = buildNetworkPlan(
    network(
      { cidr: "10.0.0.0/24" },
      { cidr: "10.1.0.0/16", sharedWith: "10.0.0.0/24" },
      { cidr: "10.2.0.0/16", sharedWith: "10.1.0.0/16" },
      { cidr: "10.3.0.0/28", relays: ["172.16.0.1"] },
    ),
    { excludeNetworkEnds: true },
  );
  const name = (found: ReturnType<typeof plan.subnetOf>): string | undefined =>
    found && formatSubnet(found.subnet);
  assert.equal(name(plan.subnetOf(ip("10.0.0.77"))), "10.0.0.0/24");
  assert.equal(name(plan.subnetOf(ip("10.1.200.3"))), "10.1.0.0/16");
  assert.equal(name(plan.subnetOf(ip("10.3.0.16"))), undefined);
  assert.equal(name(plan.subnetOfRelay(ip("172.16.0.1"))), "10.3.0.0/28");
  assert.equal(name(plan.subnetOfRelay(ip("10.3.0.1"))), "10.3.0.0/28");
  const wire = plan.segment(plan.subnetOf(ip("10.2.0.1"))?.segment ?? -1);
  assert.deepEqual(wire.map(name), ["10.0.0.0/24", "10.1.0.0/16", "10.2.0.0/16"]);
});
