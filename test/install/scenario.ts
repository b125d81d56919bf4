/** What `npm run test:install` runs: one layout on one firmware each, from an empty disk on. */
import { createHash } from "node:crypto";
import path from "node:path";
import type { InstallStage } from "../../src/domain/machine.ts";
import type { MachineSpecInput } from "../../src/domain/machine-spec.ts";
import { type Lab, QUICK } from "../support/lab.ts";
import { createDisk, type DiskOptions, type Firmware } from "../support/qemu.ts";
import {
  bootsItsDisk,
  bootsWithout,
  installsAndReports,
  installsTheHardWay,
  isReimaged,
  keepsTheNetworkFirst,
  losesPowerAt,
  type Subject,
} from "./steps.ts";

export type Layout = "regular" | "lvm" | "raid1";

export interface Scenario {
  readonly name: string;
  readonly layout: Layout;
  readonly firmware: Extract<Firmware, "bios" | "uefi">;
  /** At first boot the network is dead for three minutes and the NIC sits in another slot than it did. */
  readonly hardFirstBoot?: boolean;
  /** Stages of the first installation at which the power fails, one attempt each. */
  readonly powerFailsAt?: readonly InstallStage[];
}

/** How one step went; `failure` is one line, `note` is what was read off the machine. */
export interface StepResult {
  readonly step: string;
  readonly seconds: number;
  readonly note?: string;
  readonly failure?: string;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: "regular-bios", layout: "regular", firmware: "bios" },
  { name: "regular-uefi", layout: "regular", firmware: "uefi" },
  { name: "raid1-uefi", layout: "raid1", firmware: "uefi", powerFailsAt: ["partitioning"] },
  { name: "lvm-uefi", layout: "lvm", firmware: "uefi" },
  {
    name: "raid1-bios",
    layout: "raid1",
    firmware: "bios",
    powerFailsAt: ["installer-started", "partitioning", "base-system", "packages", "bootloader"],
  },
  { name: "lvm-bios", layout: "lvm", firmware: "bios", hardFirstBoot: true },
];

const DISK_BYTES = "8G";

/** Runs the steps in order until one fails; gives each result as it comes. */
export async function* runScenario(lab: Lab, scenario: Scenario): AsyncGenerator<StepResult> {
  const subject = await prepare(lab, scenario);
  for (const [step, run] of stepsOf(scenario)) {
    const started = performance.now();
    const outcome = await run(subject).then(
      (note) => (note === undefined ? {} : { note }),
      (error: unknown) => ({ failure: firstLine(error) }),
    );
    yield { step, seconds: (performance.now() - started) / 1000, ...outcome };
    if ("failure" in outcome) return;
  }
}

type Step = readonly [name: string, run: (subject: Subject) => Promise<string | undefined>];

function stepsOf({ layout, firmware, hardFirstBoot = false, powerFailsAt = [] }: Scenario): readonly Step[] {
  const steps: Step[] = powerFailsAt.map((stage) => [
    `loses power at ${stage}`,
    (subject) => losesPowerAt(subject, stage),
  ]);
  if (hardFirstBoot) {
    steps.push(["installs; reports although its network was dead and its NIC moved", installsTheHardWay]);
  } else {
    steps.push(["installs and reports in", (subject) => installsAndReports(subject, 1)]);
  }
  if (firmware === "uefi") steps.push(["keeps the network first", keepsTheNetworkFirst]);
  steps.push(["boots its disk", bootsItsDisk]);
  if (layout === "raid1") {
    steps.push(["boots without its first disk", (subject) => bootsWithout(subject, 0)]);
    steps.push(["boots without its second disk", (subject) => bootsWithout(subject, 1)]);
  }
  if (layout === "regular") {
    steps.push(["is reimaged", isReimaged]);
    steps.push(["boots its disk again", bootsItsDisk]);
  }
  return steps;
}

async function prepare(lab: Lab, { name, layout, firmware }: Scenario): Promise<Subject> {
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
  // A second processor gains an installer nothing, and one scenario leaves room for another beside it.
  return { lab, disks, hardware: { name, mac, firmware, disks, boot, cpus: 1 } };
}

function machineSpec(layout: Layout, disks: readonly DiskOptions[]): Omit<MachineSpecInput, "mac"> {
  const [first = {}, second] = disks.map(({ serial = "" }) => ({ serial }));
  return {
    os: "debian-13",
    console: "ttyS0,115200",
    // A locale that has to be generated takes a minute.
    locale: "C.UTF-8",
    kernelArguments: [...QUICK],
    install: { layout, disk: second ? [first, second] : { match: "only" } },
    // What cloud-init runs shows on the console.
    userData: { runcmd: ["(echo; efibootmgr -v; echo cloud-init ran) >/dev/console 2>&1"] },
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

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0] ?? "";
}
