/** Which of the recorded files make up the installer of a need. */
import type { AssetRecord } from "../ports.ts";
import type { InstallerNeed } from "./assets.ts";

/** Kernel and initrd that belong together. */
export interface InstallerRecords {
  readonly kernel: AssetRecord;
  readonly initrd: AssetRecord;
}

/** Directory of one installer version in the boot tree. */
export function installerDirectory(need: InstallerNeed, version: string): string {
  return `${need.os}/${need.architecture}/${version}`;
}

/** What is added to a stock initrd: firmware packages by name, configured archives by their content keys. */
export interface InitrdAdditions {
  readonly firmwarePackages: readonly string[];
  readonly extras: readonly string[];
}

/** Name under which the initrd with these additions is recorded. */
export function initrdName({ firmwarePackages, extras }: InitrdAdditions): string {
  const additions = [...firmwarePackages, ...extras.map((key) => key.slice(0, 12))];
  return additions.length === 0 ? "initrd.gz" : `initrd.gz with ${additions.join(", ")}`;
}

/** The newest kernel of an operating system together with the initrd of that version that has these additions. */
export function installerRecords(
  records: readonly AssetRecord[],
  need: InstallerNeed,
  extras: readonly string[],
): InstallerRecords | undefined {
  const own = records.filter((record) => record.os === need.os && record.architecture === need.architecture);
  const kernels = own.filter((record) => record.name === "linux").sort((a, b) => b.fetchedAt - a.fetchedAt);
  const kernel = kernels[0];
  if (!kernel) return undefined;
  const name = initrdName({ firmwarePackages: need.firmwarePackages, extras });
  const directory = kernel.path.slice(0, kernel.path.lastIndexOf("/") + 1);
  const initrds = own.filter((record) => record.name === name && record.path.startsWith(directory));
  const initrd = initrds.sort((a, b) => b.fetchedAt - a.fetchedAt)[0];
  return initrd && { kernel, initrd };
}
