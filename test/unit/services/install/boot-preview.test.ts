import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSpecSchema } from "../../../../src/domain/machine-spec.ts";
import { createBootPreview } from "../../../../src/services/install/boot-preview.ts";
import { startCore } from "../../../support/appliance-core.ts";
import { APPLIANCE, shippedTemplates } from "../../../support/install-plans.ts";
import { LIMITS } from "../../../support/machines.ts";

test("a preview shows the installer's script with a masked ticket and moves nothing", async () => {
  const { registry, events, clock } = await startCore();
  const preview = createBootPreview({
    registry,
    tickets: { issue: () => Promise.reject(new Error("a preview issues no ticket")) },
    assets: {
      status: () => ({ kind: "ready" }),
      ensure: () => assert.fail("a preview pulls nothing"),
      installer: () => ({
        kernelPath: "/boot/files/linux",
        initrdPath: "/boot/files/initrd.gz",
        version: "v1",
        kernelVersion: "6.12",
      }),
    },
    templates: shippedTemplates(),
    events,
    clock,
    limits: LIMITS,
    appliance: () => APPLIANCE,
  });
  const spec = machineSpecSchema.parse({ mac: "52:54:00:12:34:01" });
  const machine = await registry.register({ name: "kube0", spec }, "test");
  const script = await preview(machine);
  assert.match(script, /^#!ipxe\n/);
  assert.match(script, /\/install\/mti_MASKED\/preseed\.cfg/);
  assert.deepEqual(registry.byName("kube0"), machine);
});
