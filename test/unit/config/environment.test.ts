import assert from "node:assert/strict";
import { test } from "node:test";
import { readEnvironment } from "../../../src/config/environment.ts";

const read = (environment: Record<string, string>, files: Record<string, string> = {}) =>
  readEnvironment(environment, (path) => {
    const text = files[path];
    if (text === undefined) throw new Error("no such file");
    return text;
  });

test("names follow the schema, word by word", () => {
  const { source } = read({
    MUSTER_DATA_DIR: "/srv/muster",
    MUSTER_DHCP_PROXY_PORT: "4012",
    MUSTER_MIRRORS_DEBIAN_SECURITY_UPSTREAM: "http://mirror.example/security",
    MUSTER_TFTP_SINGLE_PORT: "true",
  });
  assert.deepEqual(source.values, {
    dataDir: "/srv/muster",
    dhcp: { proxyPort: 4012 },
    mirrors: { debianSecurity: { upstream: "http://mirror.example/security" } },
    tftp: { singlePort: true },
  });
});

test("texts stay texts, whatever they look like", () => {
  assert.deepEqual(read({ MUSTER_NETWORK_INTERFACE: "007" }).source.values, {
    network: { interface: "007" },
  });
});

test("lists are written with commas or as YAML", () => {
  const macs = ["52:54:00:00:00:01", "52:54:00:00:00:02"];
  assert.deepEqual(read({ MUSTER_DHCP_DENY: macs.join(", ") }).source.values, { dhcp: { deny: macs } });
  const subnets = "[{ cidr: 10.0.0.0/24 }]";
  assert.deepEqual(read({ MUSTER_NETWORK_SUBNETS: subnets }).source.values, {
    network: { subnets: [{ cidr: "10.0.0.0/24" }] },
  });
});

test("secrets, and only secrets, are read from files too, without the final line break", () => {
  const files = { "/run/secrets/mirror": "pa ss\n" };
  assert.deepEqual(
    read({ MUSTER_MIRRORS_DEBIAN_PASSWORD_FILE: "/run/secrets/mirror" }, files).source.values,
    {
      mirrors: { debian: { password: "pa ss" } },
    },
  );
  assert.match(
    read({ MUSTER_MIRRORS_DEBIAN_PASSWORD_FILE: "/nowhere" }).faults[0]?.message ?? "",
    /cannot read the file/,
  );
  assert.equal(read({ MUSTER_DHCP_MODE_FILE: "/run/secrets/mirror" }, files).faults.length, 1);
});

test("a slip within a section is a fault; a stranger's variable with our prefix only a warning", () => {
  const { faults, warnings } = read({ MUSTER_DHCP_MDOE: "server", MUSTER_SERVICE_HOST: "10.0.0.1" });
  assert.deepEqual(faults, [
    { path: "MUSTER_DHCP_MDOE", message: 'no setting has this name; did you mean "MUSTER_DHCP_MODE"?' },
  ]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /^MUSTER_SERVICE_HOST is no setting/);
});

test("empty variables and the command line's own are passed over", () => {
  const { source, faults, warnings } = read({
    MUSTER_DHCP_MODE: "",
    MUSTER_URL: "https://x",
    MUSTER_TOKEN: "t",
  });
  assert.deepEqual([source.values, faults, warnings], [{}, [], []]);
});
