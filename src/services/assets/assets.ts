/**
 * Boot assets as the rest of the program sees them: what a machine of some operating system needs before its
 * installer can start, whether that is on disk, and where it is served.
 */
import type { MachineSpec } from "../../domain/machine-spec.ts";
import type { AssetRecord } from "../ports.ts";

/** What one installer boot needs. Two machines with equal needs share the same files. */
export interface InstallerNeed {
  /** `debian-12` or `debian-13`. */
  readonly os: string;
  readonly architecture: "amd64" | "arm64";
  /** Firmware packages added to the initrd. */
  readonly firmwarePackages: readonly string[];
}

/** Whether the files of a need can be served now. `progress` is 0…1; `what` and `reason` are for a console. */
export type AssetStatus =
  | { readonly kind: "ready" }
  | { readonly kind: "pulling"; readonly progress: number; readonly what: string }
  | { readonly kind: "missing"; readonly reason: string };

/** An installer that is ready to boot. Paths are URL paths on the boot plane, below `/boot/files/`. */
export interface Installer {
  readonly kernelPath: string;
  readonly initrdPath: string;
  /** Version of the installer image, for example `20250803+deb13u7`. */
  readonly version: string;
  /** ABI version of its kernel, for example `6.12.107+deb13-amd64`. */
  readonly kernelVersion: string;
}

/** One step of a pull as it happens. `total` is undefined while the size is unknown. */
export interface PullProgress {
  readonly what: string;
  readonly bytes: number;
  readonly total: number | undefined;
}

/** What a finished pull did. `notes` say which source was used and what is missing from the archive. */
export interface PullReport {
  readonly os: string;
  readonly architecture: string;
  readonly version: string;
  readonly fetched: readonly AssetRecord[];
  /** True when everything was already on disk and verified. */
  readonly unchanged: boolean;
  readonly notes: readonly string[];
}

export interface PullOptions {
  readonly need: InstallerNeed;
  readonly onProgress?: (progress: PullProgress) => void;
  readonly signal?: AbortSignal;
}

/** Outcome of hashing one file again. */
export interface AssetCheck {
  readonly record: AssetRecord;
  readonly result: "intact" | "missing" | "changed";
}

/** The use cases around boot assets. */
export interface Assets {
  /** From memory, no waiting: call {@link Assets.ensure} first, it is cheap when nothing is to be done. */
  status(need: InstallerNeed): AssetStatus;
  /**
   * Starts what the need lacks in the background: a pull, or a check that the image still agrees with the mirror's
   * installer modules. Calls with the same need share one run. Failures show in {@link Assets.status}.
   */
  ensure(need: InstallerNeed): void;
  /** Where the files of a need are served; undefined unless {@link Assets.status} says ready. */
  installer(need: InstallerNeed): Installer | undefined;
  /** Fetches and verifies now. @throws MusterError `upstream-failed`, `not-verified` or `unavailable`. */
  pull(options: PullOptions): Promise<PullReport>;
  list(): Promise<readonly AssetRecord[]>;
  /** Hashes every file again; a changed or missing file is no longer served as ready. */
  verify(): Promise<readonly AssetCheck[]>;
}

/**
 * Where asset records are kept, keyed by `path`. `version` of the record named `linux` is the kernel's ABI version;
 * of every other record it is the version of the image or package the file came from.
 */
export interface AssetStore {
  all(): Promise<readonly AssetRecord[]>;
  /** Writes or replaces these records in one transaction. */
  put(records: readonly AssetRecord[]): Promise<void>;
  remove(paths: readonly string[]): Promise<void>;
}

/** A file that may be served to a booting machine, by TFTP and by HTTP alike. */
export interface BootFile {
  /** Absolute path on disk; symbolic links are resolved and stay inside the tree. */
  readonly path: string;
  readonly size: number;
  readonly modifiedAt: number;
  /** Strong entity tag without quotes. */
  readonly etag: string;
}

/**
 * The tree of files served by TFTP and below `/boot/files/`: network boot programs at the top
 * (`undionly.kpxe`, `snponly.efi`, `ipxe.efi`, `arm64/ipxe.efi` …), installers below `debian-13/amd64/<version>/`.
 */
export interface BootFiles {
  /** Finds a file by its relative path; undefined when absent, a directory, or outside the tree. */
  find(path: string): Promise<BootFile | undefined>;
}

/** The need of one machine. */
export function needOf(spec: Pick<MachineSpec, "os" | "firmwarePackages">): InstallerNeed {
  return {
    os: `${spec.os.name}-${spec.os.version}`,
    architecture: spec.os.architecture,
    firmwarePackages: [...new Set(spec.firmwarePackages)].sort(),
  };
}
