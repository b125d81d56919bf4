/** What is done to a machine and expected of it, step by step; a step's result is what was read off the machine, if anything. */
import { setTimeout as delay } from "node:timers/promises";
import type { InstallStage } from "../../src/domain/machine.ts";
import type { Lab, LabMachine } from "../support/lab.ts";
import type { DiskOptions, VirtualMachine } from "../support/qemu.ts";

/** The machine a scenario works on. */
export interface Subject {
  readonly lab: Lab;
  readonly hardware: LabMachine;
  readonly disks: readonly DiskOptions[];
  /** What its console showed at the last first boot. */
  firstBoot?: string;
}

const DEAD_NETWORK_SECONDS = 180;
const LIMITS = { install: 5400, firstBoot: 1200, cloudInit: 300, boot: 600 };
/** Seconds into a stage at which the power fails: the stage's work is under way then. */
const INTO_STAGE: Readonly<Partial<Record<InstallStage, number>>> = {
  partitioning: 25,
  "base-system": 40,
  packages: 30,
  bootloader: 10,
};

/** Powered on once: the installer, the restart, the first boot with cloud-init, and its report all follow. */
export async function installsAndReports(subject: Subject, generation: number): Promise<undefined> {
  const { lab, hardware } = subject;
  await whileOn(await lab.powerOn(hardware), async (machine) => {
    await lab.appliance.waitForMachine(
      hardware.name,
      (now) => now.generation === generation && now.installFinished,
      LIMITS.install,
    );
    await isInstalled(subject, machine);
  });
}

/** The power fails while the installer is at work in a stage. */
export async function losesPowerAt({ lab, hardware }: Subject, stage: InstallStage): Promise<undefined> {
  await whileOn(await lab.powerOn(hardware), async () => {
    await lab.appliance.waitForMachine(hardware.name, (now) => now.stage === stage, LIMITS.install);
    await delay((INTO_STAGE[stage] ?? 0) * 1000);
  });
}

/** It boots from the network first, is sent to its disk, and nothing is installed. */
export async function bootsItsDisk({ lab, hardware }: Subject): Promise<undefined> {
  const before = await lab.appliance.machine(hardware.name);
  await untilLogin(await lab.powerOn(hardware), hardware.name);
  const after = await lab.appliance.machine(hardware.name);
  if (after.state !== "installed" || after.installAttempts !== before.installAttempts) {
    throw new Error(`it is ${after.state} after ${after.installAttempts} installer boots`);
  }
  const sighting = after.seen?.at ?? 0;
  if (sighting <= (before.seen?.at ?? 0)) throw new Error("it did not ask for its boot script");
}

/** Boots without one of its disks; what it writes meanwhile is forgotten. */
export async function bootsWithout({ lab, hardware, disks }: Subject, gone: number): Promise<undefined> {
  const left = disks.filter((_, index) => index !== gone).map((disk) => ({ ...disk, forgetful: true }));
  await untilLogin(await lab.powerOn({ ...hardware, disks: left }), hardware.name);
}

/** Reads the firmware's boot order as the installed system shows it: the network first, every system disk with an entry. */
export async function keepsTheNetworkFirst({ firstBoot = "", disks }: Subject): Promise<string> {
  const entries = new Map<string, string>();
  for (const [, number = "", text = ""] of firstBoot.matchAll(/^Boot([0-9A-F]{4})\*? (.*)$/gm)) {
    entries.set(number, text);
  }
  const order = /^BootOrder: ([0-9A-F,]+)/m.exec(firstBoot)?.[1]?.split(",") ?? [];
  const names = order.map((number) => (entries.get(number) ?? number).split(/\s{2,}|\t/)[0] ?? number);
  const inWords = names.join(", ");
  if (!/PXE|MAC\(/.test(entries.get(order[0] ?? "") ?? "")) {
    return Promise.reject(new Error(`the boot order is ${inWords || "not shown"}`));
  }
  const system = order.filter((number) => /^debian/i.test(entries.get(number) ?? ""));
  if (system.length < disks.length) return Promise.reject(new Error(`${system.length} of: ${inWords}`));
  return Promise.resolve(`boot order: ${inWords}`);
}

export async function isReimaged(subject: Subject): Promise<undefined> {
  const { lab, hardware } = subject;
  const { generation } = await lab.appliance.machine(hardware.name);
  await lab.appliance.must("POST", `/api/v1/machines/${hardware.name}/reimage`, {});
  await installsAndReports(subject, generation + 1);
}

/** The installer's machine stays off; the installed one finds its NIC in another slot and no link for three minutes. */
export async function installsTheHardWay(subject: Subject): Promise<string> {
  const { lab, hardware } = subject;
  const { name } = hardware;
  await whileOn(await lab.powerOn({ ...hardware, staysOffAfterRestart: true }), async (machine) => {
    await lab.appliance.waitForMachine(name, ({ installFinished }) => installFinished, LIMITS.install);
    await machine.waitForPowerOff(LIMITS.boot);
  });
  await lab.setCable(name, "out");
  let waited = 0;
  await whileOn(await lab.powerOn({ ...hardware, boot: "disk-first", nicSlot: 0x10 }), async (machine) => {
    await delay(DEAD_NETWORK_SECONDS * 1000);
    await lab.setCable(name, "in");
    const plugged = machine.seconds;
    await isInstalled(subject, machine);
    waited = machine.seconds - plugged;
  });
  return `reported ${waited.toFixed(0)} s after the cable was back`;
}

async function isInstalled(subject: Subject, machine: VirtualMachine): Promise<void> {
  const { appliance } = subject.lab;
  await appliance.waitForMachine(machine.name, ({ state }) => state === "installed", LIMITS.firstBoot);
  await machine.waitFor(/cloud-init ran/, { seconds: LIMITS.cloudInit });
  subject.firstBoot = machine.console;
}

async function untilLogin(machine: VirtualMachine, name: string): Promise<undefined> {
  await whileOn(machine, () => machine.waitFor(new RegExp(`${name} login:`), { seconds: LIMITS.boot }));
}

async function whileOn(
  machine: VirtualMachine,
  work: (machine: VirtualMachine) => Promise<unknown>,
): Promise<void> {
  try {
    await work(machine);
  } finally {
    await machine.powerOff();
  }
}
