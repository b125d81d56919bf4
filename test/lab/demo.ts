/**
 * `npm run demo`: an empty virtual machine with real firmware is powered on in a network of its own, next to a real appliance;
 * what happens is told as it happens, until an installed Debian 13 has restarted and reported in.
 * `--firmware bios|uefi|uefi-http` chooses the firmware.
 */
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Machine } from "../../src/domain/machine.ts";
import { ADDRESS, Lab, QUICK } from "../support/lab.ts";
import { createDisk, type Firmware, type VirtualMachine } from "../support/qemu.ts";
import { Narrator } from "./narrator.ts";

const NAME = "kube0";
const MAC = "52:54:00:12:34:01";
const FIRMWARES: readonly Firmware[] = ["bios", "uefi", "uefi-http"];
const LIMIT_SECONDS = 5400;
const WORDS: Readonly<Record<Firmware, string>> = {
  bios: "SeaBIOS with the iPXE option ROM",
  uefi: "UEFI, network boot by PXE",
  "uefi-http": "UEFI, network boot by HTTP",
  "uefi-secure": "UEFI with Secure Boot",
  arm64: "UEFI on 64-bit ARM",
};

async function demo(firmware: Firmware): Promise<void> {
  say("Muster demo: preparing an appliance in a network namespace of its own …");
  const lab = await Lab.open();
  process.once("SIGINT", () => say("\nstopping, and removing what was made …"));
  try {
    await show(lab, firmware);
  } finally {
    await lab.close();
  }
}

async function show(lab: Lab, firmware: Firmware): Promise<void> {
  const { appliance } = lab;
  const speed = lab.acceleration === "kvm" ? "KVM" : "emulated, which takes its time: 20 to 40 minutes";
  say(`The appliance serves DHCP, TFTP and HTTP on ${ADDRESS}. The machine: ${WORDS[firmware]}, ${speed}.`);
  say(`\n$ muster register ${MAC} --name ${NAME} --os debian-13`);
  await appliance.register({
    name: NAME,
    mac: MAC,
    os: "debian-13",
    console: "ttyS0,115200",
    kernelArguments: [...QUICK],
  });
  say("The appliance pulls the Debian 13 installer and verifies its signatures …");
  const started = performance.now();
  await appliance.pullInstaller("debian-13");
  say(`… in ${((performance.now() - started) / 1000).toFixed(0)} s.`);

  const disk = path.join(lab.machineDirectory(NAME), "disk.qcow2");
  await createDisk(disk, "8G");
  say(`\nPower on. From here on nobody touches it.\n`);
  const narrator = new Narrator({ appliance, name: NAME });
  const machine = await lab.powerOn({
    name: NAME,
    mac: MAC,
    firmware,
    disks: [{ file: disk, serial: "demo" }],
  });
  const installed = await watch(machine, narrator);
  await machine
    .waitFor(/ login:/, { seconds: 120, from: Math.max(0, machine.console.length - 4000) })
    .catch(() => 0);
  conclude(installed, machine, narrator);
}

async function watch(machine: VirtualMachine, narrator: Narrator): Promise<Machine> {
  while (machine.seconds < LIMIT_SECONDS) {
    const now = await narrator.tell();
    if (now.state === "installed") return now;
    if (now.state === "failed")
      throw new Error(`${NAME} failed: ${now.failure?.reason ?? "no reason given"}`);
    if (!machine.isOn) throw new Error(`${NAME} went off:\n${machine.console.slice(-2000)}`);
    await delay(500);
  }
  throw new Error(`${NAME} is not installed after ${LIMIT_SECONDS} s:\n${machine.console.slice(-2000)}`);
}

function conclude(installed: Machine, machine: VirtualMachine, narrator: Narrator): void {
  const lines = machine.console
    .trimEnd()
    .split("\n")
    .filter((line) => line.trim() !== "");
  say(
    `\nIts console now:\n${lines
      .slice(-4)
      .map((line) => `    ${line}`)
      .join("\n")}`,
  );
  say(
    `\n${installed.name} is ${installed.state} (generation ${installed.generation}), ${narrator.elapsed} after power-on;` +
      ` ${narrator.packages} packages came through the appliance's mirror.`,
  );
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const choice = process.argv.indexOf("--firmware");
const firmware = choice < 0 ? "bios" : FIRMWARES.find((known) => known === process.argv[choice + 1]);
if (firmware === undefined) {
  say(`--firmware is one of ${FIRMWARES.join(", ")}`);
  process.exitCode = 2;
} else {
  await demo(firmware).catch((error: unknown) => {
    say(`\nThe demo ended early. ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
}
