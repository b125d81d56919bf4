import assert from "node:assert/strict";
import { test } from "node:test";
import { networkConfig, networkUnits, nicsOf } from "../../../../src/domain/install/network-config.ts";
import { machineSpecSchema } from "../../../../src/domain/machine-spec.ts";

const spec = (fields: object) => machineSpecSchema.parse({ mac: "52:54:00:00:00:01", ...fields });

test("DESIGN-5.15 a NIC is matched by its MAC and never by a name", () => {
  const [unit] = networkUnits(nicsOf(spec({})), "lab.test");
  assert.equal(unit?.path, "/etc/systemd/network/10-muster-52-54-00-00-00-01.network");
  assert.match(unit.content, /^\[Match\]\nMACAddress=52:54:00:00:00:01\nType=ether\nKind=!\*$/m);
  assert.doesNotMatch(unit.content, /^Name=/m);
  assert.match(unit.content, /^DHCP=ipv4$/m);
  assert.match(unit.content, /^ClientIdentifier=mac$/m);
  assert.match(unit.content, /^Domains=lab\.test$/m);
});

test("NETWORK a static address with gateway and name servers asks no DHCP", () => {
  const nics = nicsOf(
    spec({
      interfaces: [
        {
          mac: "52:54:00:00:00:01",
          address: "10.0.0.5/24",
          gateway: "10.0.0.1",
          dns: ["10.0.0.2", "10.0.0.3"],
        },
      ],
    }),
  );
  const [unit] = networkUnits(nics, undefined);
  assert.match(
    unit?.content ?? "",
    /^Address=10\.0\.0\.5\/24\nGateway=10\.0\.0\.1\nDNS=10\.0\.0\.2\nDNS=10\.0\.0\.3$/m,
  );
  assert.doesNotMatch(unit?.content ?? "", /DHCP/);
  assert.deepEqual(networkConfig(nics, undefined), {
    version: 2,
    ethernets: {
      "nic-52-54-00-00-00-01": {
        match: { macaddress: "52:54:00:00:00:01" },
        addresses: ["10.0.0.5/24"],
        dhcp4: false,
        routes: [{ to: "0.0.0.0/0", via: "10.0.0.1" }],
        nameservers: { addresses: ["10.0.0.2", "10.0.0.3"] },
      },
    },
  });
});

const HOME = { prefix: 24, gateway: "10.0.0.1", dns: ["10.0.0.2"] };

test("S0-02 a member of a cluster keeps its address on the boot NIC, whoever leases addresses there", () => {
  const [nic] = nicsOf(spec({ cluster: "lab", address: "10.0.0.5" }), HOME);
  assert.deepEqual(nic, {
    mac: "52:54:00:00:00:01",
    address: "10.0.0.5/24",
    gateway: "10.0.0.1",
    dns: ["10.0.0.2"],
    optional: false,
  });
  assert.match(
    networkUnits([nic], undefined)[0]?.content ?? "",
    /^Address=10\.0\.0\.5\/24\nGateway=10\.0\.0\.1$/m,
  );
});

test("S0-02 a machine of no cluster, or of an unknown network, goes on asking DHCP; a NIC's own address wins", () => {
  const addressOf = (fields: object, home: { readonly known: boolean } = { known: true }) =>
    nicsOf(spec({ address: "10.0.0.5", ...fields }), home.known ? HOME : undefined).map(
      ({ address }) => address,
    );
  assert.deepEqual(addressOf({}), [undefined]);
  assert.deepEqual(addressOf({ cluster: "lab" }, { known: false }), [undefined]);
  const described = [{ mac: "52:54:00:00:00:01", address: "10.9.0.5/16" }];
  assert.deepEqual(addressOf({ cluster: "lab", interfaces: described }), ["10.9.0.5/16"]);
  const byDhcp = [{ mac: "52:54:00:00:00:01", optional: true }];
  assert.deepEqual(addressOf({ cluster: "lab", interfaces: byDhcp }), ["10.0.0.5/24"]);
});

test("NETWORK several NICs and several boot MACs: each has its unit, only needed ones hold up the boot", () => {
  const nics = nicsOf(
    spec({
      extraMacs: ["52:54:00:00:00:02"],
      interfaces: [{ mac: "52:54:00:00:00:09", address: "10.9.0.1/16", optional: true }],
    }),
  );
  assert.deepEqual(
    nics.map(({ mac, optional }) => [mac, optional]),
    [
      ["52:54:00:00:00:09", true],
      ["52:54:00:00:00:01", true],
      ["52:54:00:00:00:02", true],
    ],
  );
  assert.deepEqual(
    nicsOf(spec({ extraMacs: ["52:54:00:00:00:02"] })).map(({ optional }) => optional),
    [false, true],
  );
});
