import assert from "node:assert/strict";
import { test } from "node:test";
import { type MachineSpecInput, machineSpecSchema } from "../../../../src/domain/machine-spec.ts";
import { parseMac } from "../../../../src/net/mac.ts";
import type { AssetStatus } from "../../../../src/services/assets/assets.ts";
import { GRUB, macOfGrubScript } from "../../../../src/services/install/boot-dialect.ts";
import { createBootScripts } from "../../../../src/services/install/boot-script.ts";
import { checkGrubScript } from "../../../../src/services/install/document-checks.ts";
import { startCore } from "../../../support/appliance-core.ts";
import { APPLIANCE, shippedTemplates } from "../../../support/install-plans.ts";
import { LIMITS } from "../../../support/machines.ts";

const mac = parseMac("52:54:00:12:34:01")!;

async function bench(spec: Partial<MachineSpecInput> = {}, status: AssetStatus = { kind: "ready" }) {
  const core = await startCore();
  const { registry, tickets, events, clock } = core;
  const scripts = createBootScripts(
    {
      registry,
      tickets,
      events,
      clock,
      templates: shippedTemplates(),
      limits: LIMITS,
      appliance: () => APPLIANCE,
      assets: {
        status: () => status,
        ensure: () => undefined,
        installer: () => ({
          kernelPath: "/boot/files/debian-13/amd64/v1/linux",
          initrdPath: "/boot/files/debian-13/amd64/v1/initrd.gz",
          version: "v1",
          kernelVersion: "6.12",
        }),
      },
    },
    GRUB,
  );
  const ask = async () => {
    const script = await scripts.scriptFor(mac, { address: "192.0.2.50", userAgent: "GRUB" });
    assert.equal(checkGrubScript(script), undefined);
    return script;
  };
  await registry.register({ name: "kube0", spec: machineSpecSchema.parse({ mac, ...spec }) }, "test");
  return { ...core, scripts, ask };
}

test("GRUB loads kernel and initrd by paths that TFTP and HTTP share, with every argument in quotes", async () => {
  const { ask, registry } = await bench({ kernelArguments: ["memmap=64M$0x1000"] });
  const script = await ask();
  assert.match(
    script,
    /^if linux '\/boot\/files\/debian-13\/amd64\/v1\/linux' 'initrd=initrd\.gz' 'auto=true' /m,
  );
  assert.match(script, /'url=http:\/\/[^']+\/install\/mti_[^']+\/preseed\.cfg'/);
  assert.match(script, / '---' 'memmap=64M\$0x1000'; then$/m);
  assert.match(script, /^ {2}if initrd '\/boot\/files\/debian-13\/amd64\/v1\/initrd\.gz'; then$/m);
  assert.equal(registry.byName("kube0")?.state, "installing");
});

test("GRUB starts the disk's own loader, and leaves it to the firmware where a machine says so", async () => {
  const chained = await bench();
  await chained.registry.apply("kube0", { type: "boot-override-set", override: "local" }, "test");
  const script = await chained.ask();
  assert.match(script, /^for loader in \/EFI\/debian\/shimx64\.efi .*; do$/m);
  const left = await bench({ firmware: { localBoot: "exit" } });
  await left.registry.apply("kube0", { type: "boot-override-set", override: "local" }, "test");
  assert.doesNotMatch(await left.ask(), /chainloader/);
});

test("GRUB waits by itself: a script that ends is asked for again", async () => {
  const { ask, scripts } = await bench(
    {},
    { kind: "pulling", progress: 0.5, what: "the installer's kernel" },
  );
  assert.match(await ask(), /^echo 'Waiting for the installer's? ?kernel|^echo '[^']*kernel[^']*'$/m);
  assert.match(scripts.finder(), /while true; do\n {2}source "\/grub\/\$\{net_default_mac\}\.cfg"/);
});

test("GRUB asks for its script by a MAC with colons; other paths are none of its business", () => {
  assert.equal(macOfGrubScript("grub/52:54:00:AB:cd:01.cfg"), "52:54:00:ab:cd:01");
  for (const path of [
    "grub/grub.cfg",
    "grub/x86_64-efi/fs.lst",
    "grub/52-54-00-ab-cd-01.cfg",
    "x/grub/a.cfg",
  ]) {
    assert.equal(macOfGrubScript(path), undefined, path);
  }
});

test("a GRUB script with an open quote or a character that no screen shows is a fault", () => {
  assert.equal(checkGrubScript("# it's a remark\necho 'fine'\n"), undefined);
  assert.deepEqual(checkGrubScript("echo 'fine'\necho 'open\n"), {
    line: 2,
    message: "a quote without its pair",
  });
  assert.equal(checkGrubScript("echo 'é'\n")?.line, 1);
  assert.equal(checkGrubScript("x".repeat(70_000))?.line, 1);
});
