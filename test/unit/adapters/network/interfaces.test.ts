import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AttachedNetwork,
  defaultRouteInterface,
  refuseAmbiguousNetworks,
  servedNetwork,
} from "../../../../src/adapters/network/interfaces.ts";
import { ConfigError } from "../../../../src/domain/errors.ts";
import { parseInterfaceAddress } from "../../../../src/net/subnet.ts";

function network(name: string, cidr: string, defaultRoute = false): AttachedNetwork {
  const parsed = parseInterfaceAddress(cidr)!;
  const mac = "52:54:00:00:00:01";
  return { interface: name, mac, address: cidr.split("/")[0]!, network: parsed, defaultRoute };
}

const OFFICE = network("eth0", "192.168.1.20/24", true);
const RACK = network("eth1", "10.0.0.1/24");
const DOCKER = network("docker0", "172.17.0.1/16");

test("the only outer interface is taken; bridges of containers do not count", () => {
  assert.equal(servedNetwork({ mode: "server" }, [DOCKER, RACK]), RACK);
  assert.equal(servedNetwork({ mode: "proxy" }, [DOCKER]), DOCKER);
});

test("with several, a server must be told; a proxy takes the default route's", () => {
  assert.equal(servedNetwork({ mode: "proxy" }, [OFFICE, RACK]), OFFICE);
  assert.throws(
    () => servedNetwork({ mode: "server" }, [OFFICE, RACK]),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /eth0 192\.168\.1\.20, eth1 10\.0\.0\.1.*network\.interface/);
      return true;
    },
  );
  assert.equal(servedNetwork({ mode: "server", interface: "eth1" }, [OFFICE, RACK]), RACK);
  assert.equal(servedNetwork({ mode: "server", address: "10.0.0.1" }, [OFFICE, RACK]), RACK);
});

test("an interface or address that is not there is named together with those that are", () => {
  assert.throws(
    () => servedNetwork({ mode: "off", interface: "eth9", address: "10.9.9.9" }, [RACK]),
    /no such network: eth9 with 10\.9\.9\.9; this host has eth1 10\.0\.0\.1/,
  );
  assert.throws(() => servedNetwork({ mode: "off" }, []), /this host has none/);
});

test("D-82 two directly attached networks are refused unless one has a relay or a socket of its own", () => {
  const attached = [RACK, network("eth2", "10.1.0.1/24")];
  const direct = { cidr: "10.1.0.0/24", relays: [] };
  const check = (subnet: { cidr: string; relays: string[] }, withOwnSocket: string[] = []): void =>
    refuseAmbiguousNetworks({
      subnets: [{ cidr: "10.0.0.0/24", relays: [] }, subnet],
      served: RACK,
      attached,
      withOwnSocket,
    });
  assert.throws(() => check(direct), /10\.1\.0\.0\/24 is attached to eth2, but only eth1 is served directly/);
  check({ ...direct, relays: ["10.1.0.2"] });
  check(direct, ["eth2"]);
  check({ cidr: "10.5.0.0/24", relays: [] });
});

test("the default route is read from the kernel's table", () => {
  const table = [
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
    "eth1\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
    "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0",
  ].join("\n");
  assert.equal(defaultRouteInterface(table), "eth0");
  assert.equal(defaultRouteInterface(""), undefined);
});
