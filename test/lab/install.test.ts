/**
 * The whole way: a registered machine is powered on, the stock Debian 13 installer installs it through the appliance's mirror,
 * and its first boot, with cloud-init, reports in from its own disk. Other layouts, a first boot without a network, power
 * failures and reimaging take longer: `npm run test:install`.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { INSTALL_STAGES } from "../../src/domain/machine.ts";
import { Lab, type LabMachine, needsLab, QUICK } from "../support/lab.ts";
import { createDisk } from "../support/qemu.ts";

const NAME = "kube0";
const MAC = "52:54:00:6c:61:10";
const INSTALL_SECONDS = 3300;
const FIRST_BOOT_SECONDS = 900;
const CLOUD_INIT_SECONDS = 300;

let lab: Lab | undefined;
let hardware: LabMachine | undefined;
before(async () => {
  if (process.getuid?.() !== 0) return;
  lab = await Lab.open();
  const disk = path.join(lab.machineDirectory(NAME), "disk.qcow2");
  await createDisk(disk, "8G");
  hardware = { name: NAME, mac: MAC, firmware: "bios", disks: [{ file: disk, serial: "lab-disk-0" }] };
});
after(() => lab?.close());

test("S0-21, S1-07, S2-04 a registered machine that is only powered on installs Debian 13", async (t) => {
  if (needsLab(t)) return;
  const { appliance } = lab!;
  await appliance.register({
    name: NAME,
    mac: MAC,
    os: "debian-13",
    console: "ttyS0,115200",
    kernelArguments: [...QUICK],
    // A locale that has to be generated takes a minute.
    locale: "C.UTF-8",
    userData: { runcmd: ["echo cloud-init ran >/dev/console"] },
  });
  const machine = await lab!.powerOn({ ...hardware!, staysOffAfterRestart: true });
  await appliance.waitForMachine(NAME, ({ installFinished }) => installFinished, INSTALL_SECONDS);
  await machine.waitForPowerOff(300);
  console.log(`  installed ${machine.seconds.toFixed(0)} s after power-on`);
  const stages = (await appliance.events(NAME)).map(({ message }) => message).join("\n");
  for (const stage of INSTALL_STAGES) assert.match(stages, new RegExp(stage));
});

test("its first boot runs cloud-init and reports in", async (t) => {
  if (needsLab(t)) return;
  const { appliance } = lab!;
  const machine = await lab!.powerOn(hardware!);
  const installed = await appliance.waitForMachine(
    NAME,
    ({ state }) => state === "installed",
    FIRST_BOOT_SECONDS,
  );
  assert.equal(installed.generation, 1);
  await machine.waitFor(/cloud-init ran/, { seconds: CLOUD_INIT_SECONDS });
  await machine.powerOff();
});
