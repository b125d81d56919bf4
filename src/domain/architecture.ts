/**
 * What network-booting firmware is given, as data: the processor architectures of DHCP option 93 (IANA "Processor
 * Architecture Types", RFC 4578 §2.1) with their network boot programs, and the quirks of firmware families.
 */
import type { Mac } from "../net/mac.ts";

export type BootTransport = "tftp" | "http";

/** One row: who says this code, and what it boots. */
export interface Architecture {
  readonly code: number;
  readonly name: string;
  /** How the firmware fetches the file. */
  readonly transport: BootTransport;
  /** Path under the boot files; null where this appliance has nothing to offer. */
  readonly bootFile: string | null;
  /** A complete iPXE for an iPXE in ROM that lacks HTTP; never the kind of program that is asking. */
  readonly fullIpxe: string | null;
}

/** Replaces a row's boot file; `class` limits it to clients whose vendor or user class begins so. */
export interface ArchitectureOverride {
  readonly code: number;
  readonly bootFile: string | null;
  readonly class?: string | undefined;
}

const BIOS = { bootFile: "undionly.kpxe", fullIpxe: "ipxe.pxe" };
const X64 = { bootFile: "snponly.efi", fullIpxe: "ipxe.efi" };
const ARM64 = { bootFile: "arm64/snponly.efi", fullIpxe: "arm64/ipxe.efi" };
const RISCV64 = { bootFile: "riscv64/snponly.efi", fullIpxe: "riscv64/ipxe.efi" };
const LOONG64 = { bootFile: "loong64/snponly.efi", fullIpxe: "loong64/ipxe.efi" };
const NOTHING = { bootFile: null, fullIpxe: null };

/**
 * A row has a boot file when the archive's packages hold one: none has an iPXE for 32-bit UEFI, neither x86 nor RISC-V; who has built one
 * names it in `dhcp.architectures`. Codes 7 and 9 are both x64: the RFC's text and its erratum disagree, and firmware followed either.
 */
export const ARCHITECTURES: readonly Architecture[] = [
  { code: 0, name: "x86 BIOS", transport: "tftp", ...BIOS },
  { code: 1, name: "NEC PC98", transport: "tftp", ...NOTHING },
  { code: 2, name: "Itanium UEFI", transport: "tftp", ...NOTHING },
  { code: 3, name: "DEC Alpha", transport: "tftp", ...NOTHING },
  { code: 4, name: "Arc x86", transport: "tftp", ...NOTHING },
  { code: 5, name: "Intel Lean Client", transport: "tftp", ...NOTHING },
  { code: 6, name: "x86 UEFI", transport: "tftp", ...NOTHING },
  { code: 7, name: "x64 UEFI", transport: "tftp", ...X64 },
  { code: 8, name: "XScale UEFI", transport: "tftp", ...NOTHING },
  { code: 9, name: "x64 UEFI (EBC)", transport: "tftp", ...X64 },
  { code: 10, name: "ARM 32-bit UEFI", transport: "tftp", ...NOTHING },
  { code: 11, name: "ARM 64-bit UEFI", transport: "tftp", ...ARM64 },
  { code: 12, name: "PowerPC Open Firmware", transport: "tftp", ...NOTHING },
  { code: 13, name: "PowerPC ePAPR", transport: "tftp", ...NOTHING },
  { code: 14, name: "POWER OPAL", transport: "tftp", ...NOTHING },
  { code: 15, name: "x86 UEFI HTTP", transport: "http", ...NOTHING },
  { code: 16, name: "x64 UEFI HTTP", transport: "http", ...X64 },
  { code: 17, name: "x64 UEFI HTTP (EBC)", transport: "http", ...X64 },
  { code: 18, name: "ARM 32-bit UEFI HTTP", transport: "http", ...NOTHING },
  { code: 19, name: "ARM 64-bit UEFI HTTP", transport: "http", ...ARM64 },
  { code: 20, name: "x86 BIOS HTTP", transport: "http", ...BIOS },
  { code: 21, name: "ARM 32-bit U-Boot", transport: "tftp", ...NOTHING },
  { code: 22, name: "ARM 64-bit U-Boot", transport: "tftp", ...NOTHING },
  { code: 23, name: "ARM 32-bit U-Boot HTTP", transport: "http", ...NOTHING },
  { code: 24, name: "ARM 64-bit U-Boot HTTP", transport: "http", ...NOTHING },
  { code: 25, name: "RISC-V 32-bit UEFI", transport: "tftp", ...NOTHING },
  { code: 26, name: "RISC-V 32-bit UEFI HTTP", transport: "http", ...NOTHING },
  { code: 27, name: "RISC-V 64-bit UEFI", transport: "tftp", ...RISCV64 },
  { code: 28, name: "RISC-V 64-bit UEFI HTTP", transport: "http", ...RISCV64 },
  { code: 29, name: "RISC-V 128-bit UEFI", transport: "tftp", ...NOTHING },
  { code: 30, name: "RISC-V 128-bit UEFI HTTP", transport: "http", ...NOTHING },
  { code: 31, name: "s390 Basic", transport: "tftp", ...NOTHING },
  { code: 32, name: "s390 Extended", transport: "tftp", ...NOTHING },
  { code: 33, name: "MIPS 32-bit UEFI", transport: "tftp", ...NOTHING },
  { code: 34, name: "MIPS 64-bit UEFI", transport: "tftp", ...NOTHING },
  { code: 35, name: "Sunway 32-bit UEFI", transport: "tftp", ...NOTHING },
  { code: 36, name: "Sunway 64-bit UEFI", transport: "tftp", ...NOTHING },
  { code: 37, name: "LoongArch 32-bit UEFI", transport: "tftp", ...NOTHING },
  { code: 38, name: "LoongArch 32-bit UEFI HTTP", transport: "http", ...NOTHING },
  { code: 39, name: "LoongArch 64-bit UEFI", transport: "tftp", ...LOONG64 },
  { code: 40, name: "LoongArch 64-bit UEFI HTTP", transport: "http", ...LOONG64 },
  { code: 41, name: "ARM rpiboot", transport: "tftp", ...NOTHING },
];

const BY_CODE: ReadonlyMap<number, Architecture> = new Map(ARCHITECTURES.map((row) => [row.code, row]));

/** The row of a code; undefined for codes nobody assigned. */
export function architectureOf(code: number): Architecture | undefined {
  return BY_CODE.get(code);
}

/** How a family of firmware wants its boot data written. */
export interface FirmwareProfile {
  readonly name: string;
  /** First three octets of its MACs. */
  readonly ouis: readonly string[];
  /** Codes of option 93 that only this family sends. */
  readonly architectures: readonly number[];
  /** What follows the type octet in its option 97. */
  readonly machineIdPrefix?: string;
  /** Options 66 and 67 end with NUL: some ROMs read on until they find one, others choke on it. */
  readonly nulTerminated: boolean;
  /** A menu entry that option 43 must hold, for firmware that looks for this text. */
  readonly menuEntry?: string;
  /** The firmware chooses its files by itself: it wants a boot server, and no boot file. */
  readonly ownFiles: boolean;
  /** Options sent although the client did not ask for them. */
  readonly alwaysOptions: readonly number[];
}

const PLAIN_PXE: FirmwareProfile = {
  name: "pxe",
  ouis: [],
  architectures: [],
  nulTerminated: true,
  ownFiles: false,
  alwaysOptions: [],
};

/** The first that matches counts. */
export const FIRMWARE_PROFILES: readonly FirmwareProfile[] = [
  {
    // It names architecture 0, drops option 60 from its REQUEST, and needs mask and router without asking for them.
    name: "raspberry-pi",
    ouis: ["b8:27:eb", "dc:a6:32", "e4:5f:01", "28:cd:c1", "d8:3a:dd", "2c:cf:67"],
    architectures: [41],
    machineIdPrefix: "RPi",
    nulTerminated: false,
    menuEntry: "Raspberry Pi Boot",
    ownFiles: true,
    alwaysOptions: [1, 3],
  },
  {
    name: "u-boot",
    ouis: [],
    architectures: [21, 22, 23, 24],
    nulTerminated: false,
    ownFiles: false,
    alwaysOptions: [],
  },
];

/** The profile of one client; the plain one when no other fits. `machineId` is the raw option 97. */
export function firmwareProfileOf(client: {
  readonly mac: Mac | undefined;
  readonly architecture: number | undefined;
  readonly machineId: Uint8Array | undefined;
}): FirmwareProfile {
  const oui = client.mac?.slice(0, 8) ?? "";
  const identity = client.machineId ? Buffer.from(client.machineId.subarray(1, 5)).toString("latin1") : "";
  const matching = FIRMWARE_PROFILES.find(
    (profile) =>
      profile.ouis.includes(oui) ||
      profile.architectures.includes(client.architecture ?? -1) ||
      (profile.machineIdPrefix !== undefined && identity.startsWith(profile.machineIdPrefix)),
  );
  return matching ?? PLAIN_PXE;
}

/** What a client is told to boot, before its address becomes a URL. */
export interface BootFileChoice {
  readonly architecture: Architecture;
  readonly bootFile: string | null;
}

/**
 * The boot file of the first architecture that anything is known about. An override of the machine wins over one of
 * the configuration, which wins over the table. Undefined when no listed code is known.
 */
export function bootFileFor(request: {
  readonly architectures: readonly number[];
  readonly classes: readonly string[];
  readonly overrides: readonly ArchitectureOverride[];
  readonly machineBootFile: string | undefined;
}): BootFileChoice | undefined {
  for (const code of request.architectures) {
    const override = request.overrides.find(
      (entry) => entry.code === code && matchesClass(entry.class, request.classes),
    );
    const row = architectureOf(code) ?? (override && unlisted(code));
    if (!row) continue;
    const configured = override ? override.bootFile : row.bootFile;
    return { architecture: row, bootFile: request.machineBootFile ?? configured };
  }
  return undefined;
}

function unlisted(code: number): Architecture {
  return { code, name: `architecture ${code}`, transport: "tftp", ...NOTHING };
}

function matchesClass(wanted: string | undefined, classes: readonly string[]): boolean {
  return wanted === undefined || classes.some((name) => name.startsWith(wanted));
}
