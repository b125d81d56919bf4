/** What is known of the files and images that clusters need, and how they are brought here. */
import type { ComponentArchitecture, ComponentFile } from "../../domain/components/component-files.ts";
import type { AssetStatus, PullProgress } from "./assets.ts";

/** The recorded checksums of component files. */
export interface ComponentDigests {
  /** SHA-256 (lower-case hexadecimal) recorded when the file was first pulled; undefined before that. */
  sha256Of(file: Pick<ComponentFile, "upstream" | "path">): string | undefined;
}

/** Files and images that belong together. */
export interface ReleaseNeed {
  /** For people: `kubernetes-1.36.3 (amd64)`. */
  readonly name: string;
  readonly architecture: ComponentArchitecture;
  readonly files: readonly ComponentFile[];
  /** Image references such as `registry.k8s.io/pause:3.10.2`. */
  readonly images: readonly string[];
}

export interface ReleasePullOptions {
  readonly onProgress?: (progress: PullProgress) => void;
  readonly signal?: AbortSignal;
}

/** Files and images of releases, kept in the appliance's store. */
export interface Releases extends ComponentDigests {
  /** From memory: what the last {@link Releases.ensure} or {@link Releases.pull} of this need came to. */
  status(need: ReleaseNeed): AssetStatus;
  /** Starts in the background what the need lacks, and tells how far it is; cheap when nothing is to be done. */
  ensure(need: ReleaseNeed): AssetStatus;
  /**
   * Pulls what the need lacks and waits for it; what the upstream publishes now is compared with what was recorded.
   * @throws MusterError `upstream-failed`, `not-verified`, `not-found`, `unavailable`.
   */
  pull(need: ReleaseNeed, options?: ReleasePullOptions): Promise<void>;
}
