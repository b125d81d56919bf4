import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { examine } from "../../../../src/adapters/host/check.ts";
import { checkMirror } from "../../../../src/adapters/host/mirror-check.ts";
import { rivalCheck } from "../../../../src/adapters/host/network-check.ts";
import { checkClock, checkDisk, checkNode, checkPrograms } from "../../../../src/adapters/host/platform.ts";
import { checkPort } from "../../../../src/adapters/host/port-check.ts";
import { configSchema } from "../../../../src/config/schema.ts";

const mirror = configSchema.parse({}).mirrors.debian;

test("an examination that fails to run is a finding, and the others still run", async () => {
  const checks = await examine({
    broken: () => Promise.reject(new Error("no /proc here")),
    fine: () => Promise.resolve([{ name: "fine", state: "ok", message: "yes" }]),
  });
  assert.deepEqual(checks, [
    { name: "broken", state: "fail", message: "could not be checked: no /proc here" },
    { name: "fine", state: "ok", message: "yes" },
  ]);
});

test("every finding that is not in order says what to do", async () => {
  const findings = [
    ...checkNode("20.19.2"),
    ...(await checkClock(Date.UTC(2001, 0, 1))),
    ...(await checkPrograms("/nonexistent")),
    rivalCheck("10.0.0.9", "server"),
  ];
  assert.ok(findings.every(({ state, advice }) => state === "fail" && advice !== undefined));
});

test("Node from 22.18 on is enough", () => {
  assert.deepEqual(
    ["22.17.1", "22.18.0", "24.0.0", "18.20.4"].map((version) => checkNode(version)[0]?.state),
    ["fail", "ok", "ok", "fail"],
  );
});

test("a dead clock is a failure", async () => {
  const [check] = await checkClock(0);
  assert.match(check?.message ?? "", /1970-01-01, which is before this version was made/);
  assert.notEqual((await checkClock(Date.UTC(2027, 5, 1)))[0]?.state, "fail");
});

test("a data directory that is still to be made is judged by the nearest that exists", async () => {
  const [check] = await checkDisk(path.join(tmpdir(), "not/yet/made"));
  assert.match(check?.message ?? "", new RegExp(`in ${tmpdir()}$`));
});

test("either signature program will do, and it is found in the search path", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "muster-path-"));
  t.after(() => rm(directory, { recursive: true }));
  await writeFile(path.join(directory, "sqv"), "");
  await chmod(path.join(directory, "sqv"), 0o755);
  const checks = await checkPrograms(`/nonexistent:${directory}`);
  assert.deepEqual(
    checks.map(({ state }) => state),
    ["ok", "fail", "fail"],
  );
  assert.match(checks[0]?.message ?? "", /\/sqv checks the archive's signatures$/);
});

test("a TCP port is free, or its failure names the setting that changes it", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  const wanted = {
    transport: "tcp",
    port: (server.address() as AddressInfo).port,
    purpose: "the boot plane",
    setting: "http.port",
  } as const;
  const taken = await checkPort(wanted);
  await new Promise((resolve) => server.close(resolve));
  assert.equal(taken.state, "fail");
  assert.equal(taken.advice, "stop that program, or change http.port");
  assert.deepEqual(await checkPort(wanted), {
    name: taken.name,
    state: "ok",
    message: "free for the boot plane",
  });
});

test("offline, no mirror is asked; without any, one is wanted", async () => {
  const options = { aptDirectory: "/nonexistent" };
  assert.equal((await checkMirror(mirror, { ...options, offline: true }))[0]?.state, "ok");
  const [none] = await checkMirror(mirror, { ...options, offline: false });
  assert.match(none?.advice ?? "", /set mirrors\.debian\.upstream/);
});

test("another DHCP server is welcome beside a proxy and fatal to a server", () => {
  assert.equal(rivalCheck("10.0.0.9", "proxy").state, "ok");
  assert.equal(rivalCheck("10.0.0.9", "off").state, "ok");
  assert.equal(rivalCheck("10.0.0.9", "server").state, "fail");
});
