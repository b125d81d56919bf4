import assert from "node:assert/strict";
import { test } from "node:test";
import { startCore } from "../../support/appliance-core.ts";
import { aMachine, anInstalledMachine } from "../../support/machines.ts";

const NODE = { machine: "kube0", generation: 1 };
const FIRST_BOOT = aMachine({
  state: "installing",
  generation: 1,
  installFinished: true,
  everInstalled: true,
  stage: "first-boot",
});
const REPORT = {
  event: "installed",
  machine: "kube0",
  generation: 1,
  facts: { kernel: "6.12", disks: null },
};

test("DESIGN-3.6 the first report of the installed system makes the machine installed, and its facts are kept", async () => {
  const { nodeReports, registry, timeline } = await startCore({ machines: [FIRST_BOOT] });
  assert.deepEqual(await nodeReports.accept(NODE, REPORT, { address: "10.0.0.9" }), {
    kind: "acknowledged",
    machine: "kube0",
    repeated: false,
  });
  assert.equal(registry.byName("kube0")?.state, "installed");
  assert.equal(registry.bySeenAddress("10.0.0.9")?.name, "kube0");
  assert.deepEqual(
    (await timeline("kube0")).map(({ type }) => type),
    ["node-reported", "node-facts"],
  );
});

test("DESIGN-3.6 the same report at every boot is acknowledged and quiet", async () => {
  const { nodeReports, timeline } = await startCore({ machines: [anInstalledMachine()] });
  for (let boot = 0; boot < 5; boot++) {
    assert.deepEqual(await nodeReports.accept(NODE, REPORT, {}), {
      kind: "acknowledged",
      machine: "kube0",
      repeated: true,
    });
  }
  assert.deepEqual(await timeline("kube0"), []);
});

test("DESIGN-3.7 DESIGN-7 a report of an ended generation is refused and raised as an alarm", async () => {
  const { nodeReports, registry, timeline } = await startCore({
    machines: [anInstalledMachine({ generation: 2 })],
  });
  const outcome = await nodeReports.accept(NODE, REPORT, {});
  assert.ok(outcome.kind === "refused" && outcome.status === 409);
  assert.equal(registry.byName("kube0")?.generation, 2);
  assert.equal((await timeline("kube0"))[0]?.level, "alarm");
});

test("DESIGN-3.6 a machine says that it failed, and later that it runs again", async () => {
  const { nodeReports, registry } = await startCore({ machines: [anInstalledMachine({ state: "ready" })] });
  await nodeReports.accept(NODE, { event: "failed", reason: "kubelet" }, {});
  assert.deepEqual(registry.byName("kube0")?.failure?.reason, "kubelet");
  await nodeReports.accept(NODE, REPORT, {});
  assert.equal(registry.byName("kube0")?.state, "ready");
});

test("DESIGN-7 a report that does not fit is refused and moves nothing", async () => {
  const { nodeReports, registry } = await startCore({ machines: [FIRST_BOOT] });
  for (const body of [undefined, {}, { event: "ready" }, { event: "failed" }, "installed"]) {
    const outcome = await nodeReports.accept(NODE, body, {});
    assert.ok(outcome.kind === "refused" && outcome.status === 400);
  }
  assert.deepEqual(registry.byName("kube0"), FIRST_BOOT);
});

test("DESIGN-7 facts of absurd size are not kept, the report counts", async () => {
  const { nodeReports, timeline } = await startCore({ machines: [FIRST_BOOT] });
  await nodeReports.accept(NODE, { event: "installed", facts: { nics: "x".repeat(40_000) } }, {});
  assert.deepEqual(
    (await timeline("kube0")).map(({ type }) => type),
    ["node-reported"],
  );
});
