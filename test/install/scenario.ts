/** One layout on one firmware, from an empty disk to what a person expects of the machine afterwards. */
import { createHash } from "node:crypto";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { MachineSpecInput } from "../../src/domain/machine-spec.ts";
import { type Lab, type LabMachine, QUICK } from "../support/lab.ts";
import { createDisk, type DiskOptions, type Firmware, type VirtualMachine } from "../support/qemu.ts";

export type Layout = "regular" | "lvm" | "raid1";

export interface Scenario {
  readonly layout: Layout;
  readonly firmware: Extract<Firmware, "bios" | "uefi">;
}

/** How one step went; `failure` is one line. */
export interface StepResult {
  readonly step: string;
  readonly seconds: number;
  readonly failure?: string;
}

const DISK_BYTES = "8G";
const DEAD_NETWORK_SECONDS = 180;
const LIMITS = { install: 5400, firstBoot: 1200, boot: 600 };

/** Runs the steps in order until one fails; gives each result as it comes. */
export async function* runScenario(lab: Lab, scenario: Scenario): AsyncGenerator<StepResult> {
  const subject = await prepare(lab, scenario);
  for (const [step, run] of stepsOf(scenario)) {
    const started = performance.now();
    const failure = await run(subject).then(() => undefined, firstLine);
    const seconds = (performance.now() - started) / 1000;
    yield { step, seconds, ...(failure === undefined ? {} : { failure }) };
    if (failure !== undefined) return;
  }
}

/** The machine a scenario works on. */
interface Subject {
  readonly lab: Lab;
  readonly hardware: LabMachine;
  readonly disks: readonly DiskOptions[];
}

type Step = readonly [name: string, run: (subject: Subject) => Promise<void>];

function stepsOf({ layout, firmware }: Scenario): readonly Step[] {
  const steps: Step[] = [
    ["installs and reports in", (subject) => installsAndReports(subject, 1)],
    ["boots its disk", bootsItsDisk],
  ];
  if (layout === "raid1") {
    steps.push(["boots without its first disk", (subject) => bootsFrom(subject, subject.disks.slice(1))]);
    steps.push(["boots without its second disk", (subject) => bootsFrom(subject, subject.disks.slice(0, 1))]);
  }
  if (layout === "regular") steps.push(["is reimaged", isReimaged]);
  if (layout === "regular" && firmware === "bios") {
    steps.push(["is reimaged, its network dead and its NIC moved at first boot", isReimagedTheHardWay]);
  }
  return steps;
}

async function prepare(lab: Lab, { layout, firmware }: Scenario): Promise<Subject> {
  const name = `${layout}-${firmware}`;
  const mac = macOf(name);
  const count = layout === "raid1" ? 2 : 1;
  const disks: DiskOptions[] = [];
  for (let index = 0; index < count; index++) {
    const file = path.join(lab.machineDirectory(name), `disk${index}.qcow2`);
    await createDisk(file, DISK_BYTES);
    disks.push({ file, serial: `${name}-${index}` });
  }
  // UEFI keeps its own boot entries, and the installer adds one: whether the network stays first is what is looked at.
  const boot = firmware === "uefi" ? "own" : "network-first";
  await lab.appliance.register({ name, mac, ...machineSpec(layout, disks) });
  return { lab, disks, hardware: { name, mac, firmware, disks, boot, cpus: 1 } };
}

function machineSpec(layout: Layout, disks: readonly DiskOptions[]): Omit<MachineSpecInput, "mac"> {
  const [first = {}, second] = disks.map(({ serial = "" }) => ({ serial }));
  return {
    os: "debian-13",
    console: "ttyS0,115200",
    kernelArguments: [...QUICK],
    install: { layout, disk: second ? [first, second] : { match: "only" } },
  };
}

/** An address in QEMU's range that belongs to the name. */
function macOf(name: string): string {
  const [one = 0, two = 0] = createHash("sha256").update(name).digest();
  return `52:54:00:6c:${hex(one)}:${hex(two)}`;
}

function hex(octet: number): string {
  return octet.toString(16).padStart(2, "0");
}

/** Powered on once: the installer, the restart, the first boot and its report all follow. */
async function installsAndReports({ lab, hardware }: Subject, generation: number): Promise<void> {
  const { name } = hardware;
  await whileOn(await lab.powerOn(hardware), async () => {
    await lab.appliance.waitForMachine(
      name,
      (machine) => machine.generation === generation && machine.installFinished,
      LIMITS.install,
    );
    await lab.appliance.waitForMachine(name, ({ state }) => state === "installed", LIMITS.firstBoot);
  });
}

async function bootsItsDisk({ lab, hardware }: Subject): Promise<void> {
  const before = await lab.appliance.machine(hardware.name);
  await untilLogin(await lab.powerOn(hardware), hardware.name);
  const after = await lab.appliance.machine(hardware.name);
  if (after.state !== "installed" || after.installAttempts !== before.installAttempts) {
    throw new Error(`it is ${after.state} after ${after.installAttempts} installer boots`);
  }
}

/** Boots with some of the disks only; what it writes meanwhile is forgotten. */
async function bootsFrom({ lab, hardware }: Subject, disks: readonly DiskOptions[]): Promise<void> {
  const left = disks.map((disk) => ({ ...disk, forgetful: true }));
  await untilLogin(await lab.powerOn({ ...hardware, disks: left }), hardware.name);
}

async function isReimaged(subject: Subject): Promise<void> {
  const { lab, hardware } = subject;
  const { generation } = await lab.appliance.machine(hardware.name);
  await lab.appliance.must("POST", `/api/v1/machines/${hardware.name}/reimage`, {});
  await installsAndReports(subject, generation + 1);
}

/** The installer's machine stays off; the installed one finds its NIC in another slot and no link for three minutes. */
async function isReimagedTheHardWay({ lab, hardware }: Subject): Promise<void> {
  const { name } = hardware;
  await lab.appliance.must("POST", `/api/v1/machines/${name}/reimage`, {});
  await whileOn(await lab.powerOn({ ...hardware, staysOffAfterRestart: true }), async (machine) => {
    await lab.appliance.waitForMachine(name, ({ installFinished }) => installFinished, LIMITS.install);
    await machine.waitForPowerOff(LIMITS.boot);
  });
  await lab.setCable(name, "out");
  await whileOn(await lab.powerOn({ ...hardware, boot: "disk-first", nicSlot: 0x10 }), async () => {
    await delay(DEAD_NETWORK_SECONDS * 1000);
    await lab.setCable(name, "in");
    await lab.appliance.waitForMachine(name, ({ state }) => state === "installed", LIMITS.firstBoot);
  });
}

async function untilLogin(machine: VirtualMachine, name: string): Promise<void> {
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

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0] ?? "";
}
