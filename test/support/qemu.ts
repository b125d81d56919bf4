/**
 * Virtual machines with real firmware: SeaBIOS with the iPXE option ROM, EDK2 with its own PXE or HTTP boot or with Secure
 * Boot, and EDK2 on 64-bit ARM. Powered on in a network namespace, their serial console is kept in a file with the seconds since power-on.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync, type WriteStream } from "node:fs";
import { copyFile, mkdir, open, truncate } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Acceleration } from "./acceleration.ts";
import { run } from "./debian-release.ts";
import type { Emulator } from "./emulator.ts";
import type { Namespace } from "./netns.ts";

/** What a machine wakes up with. */
export type Firmware = "bios" | "uefi" | "uefi-http" | "uefi-secure" | "arm64";

/** Which device the firmware tries first; `own` leaves it to the entries the firmware itself keeps (UEFI). */
export type BootOrder = "network-first" | "disk-first" | "own";

export interface DiskOptions {
  readonly file: string;
  /** Serial number the machine sees; none when left out. */
  readonly serial?: string;
  /** Writes are forgotten at power-off. */
  readonly forgetful?: boolean;
}

export interface MachineOptions {
  readonly name: string;
  readonly firmware: Firmware;
  readonly mac: string;
  readonly namespace: Namespace;
  /** Tap device in the namespace that the NIC is plugged into. */
  readonly tap: string;
  /** Directory for the firmware's variables and the console's log; kept between power-ons. */
  readonly directory: string;
  readonly acceleration: Acceleration;
  /** The QEMU that runs it; 64-bit ARM has its own. */
  readonly emulator: Emulator;
  readonly disks?: readonly DiskOptions[];
  readonly boot?: BootOrder;
  /** PCI slot of the NIC: another slot is another interface name. */
  readonly nicSlot?: number;
  readonly memoryMiB?: number;
  readonly cpus?: number;
  /** A restart switches the machine off instead, so that a test may change something before it goes on. */
  readonly staysOffAfterRestart?: boolean;
  /** Further arguments, such as more network cards. */
  readonly extra?: readonly string[];
}

const OVMF = "/usr/share/OVMF";
const ARM_EMULATOR: Emulator = { program: "qemu-system-aarch64", arguments: [] };
const ARM_FIRMWARE = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd";
const ARM_FLASH_BYTES = 64 * 1024 * 1024;
// cmpxchg16b of the emulation can crash a kernel that runs on several processors; the others make every change of the address
// space slower: page tables with a fifth level, and checks of each access by the kernel.
const EMULATED_CPU = ["max", "-cx16", "-la57", "-pcid", "-smap", "-smep", "-pku"].join(",");
// EDK2 tries PXE over IPv4 first and gives up on it after a minute: these leave HTTP boot alone.
const HTTP_BOOT_ONLY = ["IPv4PXESupport", "IPv6PXESupport"].flatMap((name) => [
  "-fw_cfg",
  `name=opt/org.tianocore/${name},string=n`,
]);

// Secure Boot with Microsoft's keys, as machines are delivered; only the firmware itself may write its variables.
const SECURE_FLASH = ["-global", "driver=cfi.pflash01,property=secure,value=on"];

/** Creates an empty disk (qcow2), replacing what was there. */
export async function createDisk(file: string, size: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await run("qemu-img", ["create", "-q", "-f", "qcow2", file, size]);
}

/** A machine that is on. */
export class VirtualMachine {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #log: WriteStream;
  readonly #startedAt = performance.now();
  readonly #ended: Promise<unknown>;
  #over = false;
  #console = "";
  #line = "";

  private constructor(options: MachineOptions, args: readonly string[]) {
    this.name = options.name;
    this.#log = createWriteStream(path.join(options.directory, "console.log"), { flags: "a" });
    const emulator = options.firmware === "arm64" ? ARM_EMULATOR : options.emulator;
    const command = [emulator.program, ...emulator.arguments, ...args];
    this.#child = spawn("nsenter", [`--net=/run/netns/${options.namespace.name}`, ...command], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => this.#keep(chunk.toString("latin1")));
    this.#child.stderr?.on("data", (chunk: Buffer) => this.#keep(chunk.toString("latin1")));
    this.#ended = once(this.#child, "close").finally(() => {
      this.#over = true;
      this.#log.end(`${this.#line}\n`);
    });
    this.#ended.catch(() => undefined);
  }

  /** Powers a machine on; its firmware's variables survive from one power-on to the next. */
  static async powerOn(options: MachineOptions): Promise<VirtualMachine> {
    await mkdir(options.directory, { recursive: true });
    const firmware = await firmwareArguments(options);
    const machine = new VirtualMachine(options, [...firmware, ...hardwareArguments(options)]);
    running.add(machine);
    return machine;
  }

  /** Everything the console showed since power-on, without terminal control sequences. */
  get console(): string {
    return this.#console + withoutControls(this.#line);
  }

  /** Seconds since power-on. */
  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  get isOn(): boolean {
    return !this.#over;
  }

  /** Waits for text on the console, from an offset on; rejects after the limit or when the machine goes off. */
  async waitFor(
    pattern: RegExp,
    limit: { readonly seconds: number; readonly from?: number },
  ): Promise<number> {
    const deadline = performance.now() + limit.seconds * 1000;
    let from = limit.from ?? 0;
    for (;;) {
      const match = pattern.exec(this.console.slice(from));
      if (match) return from + match.index;
      if (this.#over)
        throw new Error(`${this.name} went off before its console showed ${pattern}${this.#tail()}`);
      if (performance.now() > deadline) {
        throw new Error(
          `${this.name}: no ${pattern} on the console within ${limit.seconds} s${this.#tail()}`,
        );
      }
      // What was searched is not searched again, but for a line that may still be growing.
      from = Math.max(from, this.#console.length - 2000);
      await delay(200);
    }
  }

  /** Waits until the machine switches itself off. */
  async waitForPowerOff(seconds: number): Promise<void> {
    const late = delay(seconds * 1000, "late", { ref: false });
    if ((await Promise.race([this.#ended, late])) === "late") {
      throw new Error(`${this.name} is still on after ${seconds} s${this.#tail()}`);
    }
  }

  /** Cuts the power. Idempotent. */
  async powerOff(): Promise<void> {
    running.delete(this);
    if (this.#over) return;
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #keep(text: string): void {
    this.#line += text;
    const lines = this.#line.split(/\r?\n|(?=\x1b\[\d+;1H)/);
    this.#line = lines.pop() ?? "";
    for (const line of lines) {
      const plain = withoutControls(line);
      this.#console += `${plain}\n`;
      if (plain.trim() !== "") this.#log.write(`${this.seconds.toFixed(1).padStart(7)} ${plain}\n`);
    }
    if (this.#line.length > 4000) this.#keep("\n");
  }

  #tail(): string {
    return `; the console's end:\n${this.console.trimEnd().slice(-2000)}`;
  }
}

/** Machines that are on: none outlives the process that powered it on. */
const running = new Set<VirtualMachine>();
process.once("exit", () => {
  for (const machine of running) void machine.powerOff();
});

async function firmwareArguments(options: MachineOptions): Promise<string[]> {
  const { firmware, directory } = options;
  if (firmware === "bios") return ["-machine", "pc,graphics=off"];
  const variables = path.join(directory, "firmware-variables.fd");
  if (firmware === "arm64") {
    const code = path.join(directory, "firmware.fd");
    await copyFile(ARM_FIRMWARE, code);
    await truncate(code, ARM_FLASH_BYTES);
    if (!existsSync(variables)) await (await open(variables, "w")).close();
    await truncate(variables, ARM_FLASH_BYTES);
    return ["-machine", "virt", "-cpu", "cortex-a57", ...flash(code, variables)];
  }
  if (firmware === "uefi-secure") {
    if (!existsSync(variables)) await copyFile(`${OVMF}/OVMF_VARS_4M.ms.fd`, variables);
    return ["-machine", "q35,smm=on", ...SECURE_FLASH, ...flash(`${OVMF}/OVMF_CODE_4M.ms.fd`, variables)];
  }
  if (!existsSync(variables)) await copyFile(`${OVMF}/OVMF_VARS_4M.fd`, variables);
  const httpBoot = firmware === "uefi-http" ? HTTP_BOOT_ONLY : [];
  return ["-machine", "q35", ...flash(`${OVMF}/OVMF_CODE_4M.fd`, variables), ...httpBoot];
}

function flash(code: string, variables: string): string[] {
  const drive = ["-drive", `if=pflash,format=raw,readonly=on,file=${code}`];
  return [...drive, "-drive", `if=pflash,format=raw,file=${variables}`];
}

function hardwareArguments(options: MachineOptions): string[] {
  const { name, firmware, mac, tap, disks = [], boot = "network-first", nicSlot, extra = [] } = options;
  const place =
    boot === "own" ? {} : { nic: boot === "disk-first" ? 9 : 1, disk: boot === "disk-first" ? 1 : 5 };
  const bootIndex = (index: number | undefined) => (index === undefined ? "" : `,bootindex=${index}`);
  // EDK2 with QEMU's iPXE option ROM asks twice: its own network stack is what real machines have.
  const rom = firmware === "bios" ? "" : ",romfile=";
  const slot = nicSlot === undefined ? "" : `,addr=${nicSlot}`;
  const nic = `virtio-net-pci,netdev=boot,mac=${mac}${rom}${slot}${bootIndex(place.nic)}`;
  const drives = disks.flatMap(({ file, serial, forgetful = false }, index) => [
    "-drive",
    `file=${file},if=none,id=disk${index},cache=unsafe,discard=unmap${forgetful ? ",snapshot=on" : ""}`,
    "-device",
    `virtio-blk-pci,drive=disk${index}${serial === undefined ? "" : `,serial=${serial}`}${bootIndex(
      place.disk === undefined ? undefined : place.disk + index,
    )}`,
  ]);
  return [
    ...[
      "-name",
      `${name},debug-threads=on`,
      "-nodefaults",
      "-display",
      "none",
      "-monitor",
      "none",
      "-serial",
      "stdio",
    ],
    ...accelerationArguments(options),
    ...["-smp", String(options.cpus ?? 2), "-m", String(options.memoryMiB ?? 2048)],
    ...["-netdev", `tap,id=boot,ifname=${tap},script=no,downscript=no`, "-device", nic],
    ...["-device", "virtio-rng-pci"],
    ...drives,
    ...(options.staysOffAfterRestart ? ["-no-reboot"] : []),
    ...extra,
  ];
}

function accelerationArguments({ acceleration, firmware }: MachineOptions): string[] {
  if (firmware === "arm64") return ["-accel", "tcg,thread=multi"];
  if (acceleration === "kvm") return ["-accel", "kvm", "-cpu", "host"];
  return ["-accel", "tcg,thread=multi,tb-size=1024", "-cpu", EMULATED_CPU];
}

function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's control sequences are what is removed
  return text.replace(
    /\x1b(\[[0-9;?=!]*[A-Za-z]|\][^\x07\x1b]*(\x07|\x1b\\)?|[()!][A-Za-z0-9]|.)|[\x00-\x08\x0b-\x1f\x7f]/g,
    "",
  );
}
