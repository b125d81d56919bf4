import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatFault } from "../../../src/cli/fault-text.ts";
import { type LoadInput, loadConfig } from "../../../src/config/load.ts";
import { ConfigError } from "../../../src/domain/errors.ts";

function load(input: Partial<LoadInput> & { readonly texts?: Readonly<Record<string, string>> } = {}) {
  const { texts = {}, ...rest } = input;
  return loadConfig({
    environment: {},
    workingDirectory: "/srv",
    files: {
      read: (path) => {
        const text = texts[path];
        if (text === undefined) throw Object.assign(new Error(`ENOENT ${path}`), { code: "ENOENT" });
        return text;
      },
    },
    ...rest,
  });
}

function faultsOf(yaml: string, environment: LoadInput["environment"] = {}): readonly string[] {
  try {
    load({ texts: { "/srv/muster.yaml": yaml }, environment });
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.faults.map(formatFault);
  }
  return [];
}

test("without a file the defaults hold: proxy, unknown machines ignored", () => {
  const { config, file } = load();
  assert.equal(file, undefined);
  assert.equal(config.dhcp.mode, "proxy");
  assert.equal(config.dhcp.unknown, "ignore");
  assert.equal(config.dataDir, "/srv/data");
});

test("flags win over the environment, which wins over the file, which wins over the default", () => {
  const texts = { "/srv/muster.yaml": "http: { port: 81 }\nhttps: { port: 82 }\nsyslog: { port: 83 }\n" };
  const environment = { MUSTER_HTTPS_PORT: "92", MUSTER_SYSLOG_PORT: "93" };
  const origin = { kind: "flag", flag: "--set syslog.port" } as const;
  const { config, originOf } = load({
    texts,
    environment,
    flags: [{ path: ["syslog", "port"], value: 103, origin }],
  });
  assert.deepEqual(
    [config.http.port, config.https.port, config.syslog.port, config.tftp.port],
    [81, 92, 103, 69],
  );
  assert.deepEqual(originOf(["http", "port"]), { kind: "file", file: "muster.yaml", line: 1, column: 9 });
  assert.deepEqual(originOf(["https", "port"]), { kind: "environment", variable: "MUSTER_HTTPS_PORT" });
  assert.deepEqual(originOf(["syslog", "port"]), origin);
  assert.deepEqual(originOf(["tftp", "port"]), { kind: "default" });
});

test("the file beside you comes before the one in /etc, and the named one before both", () => {
  const texts = {
    "/srv/muster.yaml": "http: { port: 1001 }",
    "/etc/muster/muster.yaml": "http: { port: 1002 }",
    "/srv/lab.yaml": "http: { port: 1003 }",
  };
  assert.equal(load({ texts }).config.http.port, 1001);
  assert.equal(load({ texts, workingDirectory: "/elsewhere" }).config.http.port, 1002);
  assert.equal(load({ texts, file: "lab.yaml" }).config.http.port, 1003);
  assert.equal(load({ texts, environment: { MUSTER_CONFIG: "/srv/lab.yaml" } }).config.http.port, 1003);
});

test("a named file that is missing is an error, not a reason to fall back", () => {
  assert.throws(
    () => load({ file: "lab.yaml" }),
    /cannot read the configuration lab.yaml: there is no such file/,
  );
});

test("a relative data directory is relative to the file that names it", () => {
  const texts = { "/etc/muster/muster.yaml": "dataDir: state" };
  assert.equal(load({ texts }).config.dataDir, "/etc/muster/state");
  assert.equal(load({ texts, environment: { MUSTER_DATA_DIR: "other" } }).config.dataDir, "/srv/other");
});

test("every fault is named at once, with its place, what was expected and what was probably meant", () => {
  const faults = faultsOf(`dhcp:
  mode: srver
  leaseSecond: 60
  port: 70000
tftp: 5
network:
  subnets:
    - cidr: 10.0.0.5/24
      pools: [{ from: 10.0.0.9 }]
`);
  assert.deepEqual(faults, [
    'muster.yaml:2:3: dhcp.mode: expected off, proxy or server, found "srver"; did you mean "server"?',
    'muster.yaml:3:3: dhcp.leaseSecond: unknown key; did you mean "leaseSeconds"?',
    "muster.yaml:4:3: dhcp.port: expected at most 65535, found 70000",
    "muster.yaml:5:1: tftp: expected keys and values, found 5",
    'muster.yaml:8:7: network.subnets[0].cidr: expected the network itself, 10.0.0.0/24, found "10.0.0.5/24"',
    "muster.yaml:9:15: network.subnets[0].pools[0].to: is required",
  ]);
});

test("an unknown key that resembles none lists those that are known there", () => {
  assert.deepEqual(faultsOf("store: { engine: x }"), [
    "muster.yaml:1:10: store.engine: unknown key; known here: kind",
  ]);
});

test("YAML that cannot be read is one fault with its place, without noise behind it", () => {
  const faults = faultsOf('dhcp:\n  mode: "server\n');
  assert.equal(faults.length, 1);
  assert.match(faults[0] ?? "", /^muster\.yaml:[23]:\d+: Missing closing "quote/);
});

test("a key that stands twice, a list at the top and two documents are refused", () => {
  assert.match(
    faultsOf("http: { port: 1 }\nhttp: { port: 2 }\n")[0] ?? "",
    /muster\.yaml:2:1: Map keys must be unique/,
  );
  assert.match(faultsOf("- a\n")[0] ?? "", /expected keys and values at the top/);
  assert.match(faultsOf("http: {}\n---\nhttp: {}\n")[0] ?? "", /multiple documents/);
});

test("sections whose lines are all commented out, and an empty file, mean the defaults", () => {
  assert.deepEqual(faultsOf("dhcp:\n#  mode: server\nmirrors:\n  debian:\n"), []);
  assert.deepEqual(faultsOf("# nothing\n"), []);
});

test("faults of the environment name the variable", () => {
  assert.deepEqual(faultsOf("", { MUSTER_DHCP_MODE: "sever" }), [
    'MUSTER_DHCP_MODE: dhcp.mode: expected off, proxy or server, found "sever"; did you mean "server"?',
  ]);
});

test("settings that contradict each other are faults at the line of the later one", () => {
  assert.deepEqual(faultsOf("http: { port: 8443 }\ndhcp:\n  minLeaseSeconds: 7200\n  proxyPort: 67\n"), [
    "https.port: port 8443 is already taken by http.port",
    "muster.yaml:3:3: dhcp.minLeaseSeconds: expected at most dhcp.leaseSeconds (3600), found 7200",
    "muster.yaml:4:3: dhcp.proxyPort: port 67 is already taken by dhcp.port",
  ]);
});

test("D-84 contradicting networks are faults at their lines", () => {
  const faults = faultsOf(`network:
  subnets:
    - cidr: 10.0.0.0/24
      router: 10.0.1.1
    - cidr: 10.0.0.0/16
`);
  assert.deepEqual(faults, [
    "muster.yaml:4:7: network.subnets[0].router: 10.0.1.1 is not in 10.0.0.0/24",
    "muster.yaml:5:7: network.subnets[1].cidr: 10.0.0.0/16 overlaps 10.0.0.0/24; addresses there would be given out twice",
  ]);
});

test("the configuration is frozen all the way down", () => {
  const { config } = load({
    texts: { "/srv/muster.yaml": "network: { subnets: [{ cidr: 10.0.0.0/24 }] }" },
  });
  assert.throws(() => {
    (config.network.subnets[0] as { mtu?: number }).mtu = 1500;
  }, TypeError);
});

test("whatever the file holds, the outcome is a configuration or a ConfigError", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        load({ texts: { "/srv/muster.yaml": text } });
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
      }
    }),
  );
});

test("server mode without a network to serve is refused", () => {
  assert.deepEqual(faultsOf("dhcp: { mode: server }\n"), [
    "network.subnets: dhcp.mode is server, which needs at least one network with a cidr and a pool or reservations",
  ]);
});

test("D-85 a network too small for UEFI firmware loads with a warning", () => {
  const texts = { "/srv/muster.yaml": "network: { subnets: [{ cidr: 10.0.0.0/31 }] }\n" };
  assert.deepEqual(load({ texts }).warnings, [
    "network.subnets[0].cidr: UEFI firmware refuses leases in a /31; use a /30 or larger",
  ]);
});
