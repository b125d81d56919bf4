/** How a machine that booted from the network gets on to its own disk: firmware quirks as data. */
import type { MachineSpec } from "../machine-spec.ts";

export type LocalBootMethod = MachineSpec["firmware"]["localBoot"];

export interface LocalBoot {
  readonly method: LocalBootMethod;
  /** Exit status of the boot program; a UEFI boot manager goes on to the next entry only after a failure (UEFI 2.10, 3.1.1). */
  readonly status: number;
  /** Loaders tried on the disk itself, in order. */
  readonly loaders: readonly string[];
  /** For which firmware this is meant; docs/boot-flow.md shows it. */
  readonly note: string;
}

const LOADERS = [
  "/EFI/debian/shimx64.efi",
  "/EFI/debian/grubx64.efi",
  "/EFI/debian/shimaa64.efi",
  "/EFI/debian/grubaa64.efi",
  "/EFI/BOOT/BOOTX64.EFI",
  "/EFI/BOOT/BOOTAA64.EFI",
] as const;

/** One row per quirk; `firmware.localBoot` of a machine names the row. */
export const LOCAL_BOOT: Readonly<Record<LocalBootMethod, LocalBoot>> = {
  auto: {
    method: "auto",
    status: 1,
    loaders: [],
    note: "BIOS: the first disk is started by iPXE itself. UEFI: iPXE ends and the firmware takes its next entry",
  },
  exit: {
    method: "exit",
    status: 1,
    loaders: [],
    note: "BIOSes whose first disk is not the system disk, or that hang in sanboot: the firmware takes its next entry",
  },
  sanboot: {
    method: "sanboot",
    status: 0,
    loaders: [],
    note: "BIOSes that start the network again when a boot program ends",
  },
  "chain-esp": {
    method: "chain-esp",
    status: 1,
    loaders: LOADERS,
    note: "UEFIs that do not go on to their next entry; needs an iPXE that reads local file systems (2020 and later)",
  },
};

export function localBootOf(spec: Pick<MachineSpec, "firmware">): LocalBoot {
  return LOCAL_BOOT[spec.firmware.localBoot];
}
