/** Documents and the appliance as a person meets them: `muster plan`, `apply`, `get`, `delete`, and a power cut. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { ClusterView } from "../../src/adapters/client/resources.ts";
import { dhcpLab } from "../support/dhcp-lab.ts";
import { needsRoot } from "../support/netns.ts";
import { Serving } from "../support/serving.ts";

const MINIMAL = path.join(import.meta.dirname, "../../examples/minimal.yaml");

test("DESIGN-3.4 examples/minimal.yaml is planned, applied once, applied again for nothing, and survives a power cut", async (t) => {
  if (needsRoot(t)) return;
  const lab = await dhcpLab(t, { withoutAppliance: true });
  const network = { interface: "br0", address: "10.80.0.1" };
  const serving = await Serving.create(t, lab.server, { network, assets: { offline: true } });
  const muster = (...args: readonly string[]) => serving.muster(args, { timeout: 120_000 });
  const daemon = await serving.serve();

  const plan = await muster("plan", "-f", MINIMAL);
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stdout, /^Cluster lab: new$/m);
  assert.match(
    plan.stdout,
    /^machine kube0: new\n {4}next boot {2}the installer: the machine is registered$/m,
  );
  assert.match(plan.stdout, /^ {4}joins {6}lab as control-plane at 10\.20\.0\.10$/m);
  assert.match((await muster("get", "machines")).stderr, /no machines/);

  const applied = await muster("apply", "-f", MINIMAL);
  assert.equal(applied.code, 0, applied.stderr);
  assert.match(applied.stderr, /power the machines on/);
  const again = await muster("apply", "-f", MINIMAL);
  assert.deepEqual([again.code, again.stdout], [0, ""], again.stderr);
  assert.match(again.stderr, /nothing changed: it is all so already/);

  const machines = await muster("get", "machines");
  assert.match(machines.stdout, /^kube2 .* lab +control-plane /m);
  const config = await muster("render", "kube0", "network-config");
  assert.match(config.stdout, /"10\.20\.0\.10\/24"[^]*"via": "10\.20\.0\.1"/);

  const before = await muster("get", "cluster", "lab", "-o", "json");
  await daemon.stop("SIGKILL");
  const second = await serving.serve();
  const after = await muster("get", "cluster", "lab", "-o", "json");
  assert.deepEqual(JSON.parse(after.stdout), JSON.parse(before.stdout));
  assert.equal((JSON.parse(after.stdout) as ClusterView).members.length, 5);

  const wrong = path.join(serving.directory, "wrong.yaml");
  writeFileSync(wrong, readFileSync(MINIMAL, "utf8").replace("    port: 8443", "    port: 6443"));
  const refused = await muster("apply", "-f", "wrong.yaml");
  assert.equal(refused.code, 78);
  const line = readFileSync(wrong, "utf8").split("\n").indexOf("    port: 6443") + 1;
  assert.match(
    refused.stderr,
    new RegExp(`wrong\\.yaml:${line}:5: Cluster lab, endpoint\\.port: 6443 is the port`),
  );

  const deleted = await muster("delete", "cluster", "lab", "--yes");
  assert.equal(deleted.code, 0, deleted.stderr);
  assert.match((await muster("get", "machines")).stderr, /no machines/);
  await second.stop();
});
