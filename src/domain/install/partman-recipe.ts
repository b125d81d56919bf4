/**
 * Disk layouts in the language of partman-auto (debian-installer's doc/devel/partman-auto-recipe.txt): one line of
 * `least priority most filesystem flags… .` per partition, sizes in MB (10^6 bytes).
 */
import type { InstallSpec } from "../machine-spec.ts";
import { parseSize } from "./size.ts";

export type BootFirmware = "bios" | "uefi";

export interface PartmanRecipe {
  /** Value of `partman-auto/method`. */
  readonly method: "regular" | "lvm" | "raid";
  /** Value of `partman-auto/expert_recipe`, one per firmware: only the installer knows which one it runs on. */
  readonly expert: Readonly<Record<BootFirmware, string>>;
  /** RAID1 only: value of `partman-auto-raid/recipe`; `@A1@` stands for partition 1 of disk A. */
  readonly raid?: Readonly<Record<BootFirmware, string>>;
}

const ESP_MB = 512;
const BOOT_MB = 1024;
const LEAST_ROOT_MB = 2500;

interface Partition {
  readonly least: number;
  readonly priority: number;
  readonly most: number;
  readonly type: string;
  readonly flags: string;
}

/** The layout a spec asks for. Every disk gets a GPT, on BIOS too: the wipe guard's marker stands beside it. */
export function partmanRecipe(install: InstallSpec): PartmanRecipe {
  const method = install.layout === "raid1" ? "raid" : install.layout;
  const expert = {
    bios: recipe([BIOS_GRUB, ...systemPartitions(install)]),
    uefi: recipe([efiSystemPartition(), ...systemPartitions(install)]),
  };
  if (method !== "raid") return { method, expert };
  const arrays = raidArrays(install);
  return { method, expert, raid: { bios: arrays, uefi: arrays } };
}

// Its size is in MB and partman aligns to MiB, so that GRUB's core image has room.
const BIOS_GRUB: Partition = {
  least: 1,
  priority: 1,
  most: 1,
  type: "free",
  flags: "$iflabel{ gpt } $reusemethod{ } method{ biosgrub }",
};

function efiSystemPartition(): Partition {
  return fixed(ESP_MB, "free", "$iflabel{ gpt } $reusemethod{ } method{ efi } format{ }");
}

function systemPartitions(install: InstallSpec): readonly Partition[] {
  const swap = swapMegabytes(install);
  if (install.layout === "raid1")
    return [
      growing("raid", "$primary{ } method{ raid }"),
      ...optional(swap, "raid", "$primary{ } method{ raid }"),
    ];
  const ok = install.layout === "lvm" ? "$lvmok{ } " : "";
  const boot = fixed(BOOT_MB, "ext4", `$defaultignore{ } ${mounted("ext4", "/boot")}`);
  return [
    ...(install.layout === "lvm" ? [boot] : []),
    growing(install.filesystem, `${ok}${mounted(install.filesystem, "/")}`),
    ...optional(swap, "linux-swap", `${ok}method{ swap } format{ }`),
  ];
}

function raidArrays(install: InstallSpec): string {
  const root = `1 2 0 ${install.filesystem} / @A2@#@B2@ .`;
  return swapMegabytes(install) ? `${root} 1 2 0 swap - @A3@#@B3@ .` : root;
}

function mounted(filesystem: string, mountpoint: string): string {
  return `method{ format } format{ } use_filesystem{ } filesystem{ ${filesystem} } mountpoint{ ${mountpoint} }`;
}

function fixed(megabytes: number, type: string, flags: string): Partition {
  return { least: megabytes, priority: megabytes, most: megabytes, type, flags };
}

function growing(type: string, flags: string): Partition {
  return { least: LEAST_ROOT_MB, priority: 10_000, most: -1, type, flags };
}

function optional(megabytes: number, type: string, flags: string): readonly Partition[] {
  return megabytes > 0 ? [fixed(megabytes, type, flags)] : [];
}

function swapMegabytes(install: InstallSpec): number {
  return install.swap === undefined ? 0 : Math.ceil((parseSize(install.swap) ?? 0) / 1_000_000);
}

function recipe(partitions: readonly Partition[]): string {
  const lines = partitions.map((p) => `${p.least} ${p.priority} ${p.most} ${p.type} ${p.flags} .`);
  return `muster : ${lines.join(" ")}`;
}
