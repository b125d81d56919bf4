/** What pulling boot assets needs from an archive and from the disk. */
import type { BootProgram, InstallerPlan } from "../../domain/assets/asset-plan.ts";
import type { PullProgress } from "./assets.ts";

/** A file on disk that was verified; `sha256` of its content. */
export interface PlacedFile {
  readonly sha256: string;
  readonly bytes: number;
}

/** What the archive offers for one installer at the moment. */
export interface InstallerSurvey {
  /** Version of the release, for example `13.7`. */
  readonly release: string;
  /** Versions of the installer that can be had: of the images directory, of the netboot package. */
  readonly versions: readonly string[];
  /** Kernel ABI versions that the mirror has installer modules for. */
  readonly moduleKernels: ReadonlySet<string>;
  /** False when the archive could not be asked and a stored release was used. */
  readonly current: boolean;
  /** Why it is not current, for people. */
  readonly note?: string;
}

/** Files obtained for one pull, in a place that {@link Obtained.dispose} gives back. */
export interface Obtained {
  readonly version: string;
  /** Paths on disk by name. */
  readonly files: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
  dispose(): Promise<void>;
}

/** One added piece of an initrd: complete bytes of a cpio archive, compressed or not. */
export interface InitrdPiece {
  /** What it is, for messages. */
  readonly name: string;
  /** SHA-256 of what it was made from; equal keys give equal pieces. */
  readonly key: string;
  read(): Promise<Uint8Array>;
}

export interface FetchOptions {
  readonly onProgress: (progress: PullProgress) => void;
  readonly signal?: AbortSignal;
}

/** An archive of installers, boot programs and firmware. */
export interface InstallerSource {
  /** Clears away what an interrupted run left behind. */
  tidy(): Promise<void>;
  /** Asks for the present state; at most `maxAgeMs` old. */
  survey(plan: InstallerPlan, maxAgeMs: number): Promise<InstallerSurvey>;
  installer(plan: InstallerPlan, options: FetchOptions): Promise<Obtained>;
  /** Boot programs by the first name they are served under; absent optional ones are named in the notes. */
  programs(programs: readonly BootProgram[], options: FetchOptions): Promise<Obtained>;
  firmware(
    plan: InstallerPlan,
    request: FetchOptions & { readonly packages: readonly string[]; readonly initrd: string },
  ): Promise<readonly InitrdPiece[]>;
  /** Configured cpio archives for this operating system. */
  extras(os: string): Promise<readonly InitrdPiece[]>;
  /** ABI version of the kernel whose modules an initrd holds; undefined when it holds none. */
  kernelVersionIn(initrd: string): Promise<string | undefined>;
}

/** The directory that machines boot from. Paths are relative to it. */
export interface BootTree {
  /** Writes a file made of other files (paths) and bytes, complete or not at all. */
  place(file: { readonly from: readonly (string | Uint8Array)[]; readonly to: string }): Promise<PlacedFile>;
  hash(path: string): Promise<PlacedFile | undefined>;
  /** Size in bytes of a file; undefined when it is not there. */
  size(path: string): Promise<number | undefined>;
  /** Whether the file at `path` has the content of `file`, a path outside of the tree. */
  matches(file: string, path: string): Promise<boolean>;
  /** The path on disk, to read the file in another way. */
  absolute(path: string): string;
  remove(path: string): Promise<void>;
  list(directory: string): Promise<readonly string[]>;
  removeDirectory(directory: string): Promise<void>;
}
