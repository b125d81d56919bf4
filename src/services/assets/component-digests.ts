/** What is known of the files and releases that clusters need. */
import type { ComponentFile } from "../../domain/components/component-files.ts";

/** Whether everything that a release consists of can be served without asking an upstream. */
export type ReleaseStatus =
  | { readonly state: "ready" }
  | { readonly state: "pulling"; readonly done: number; readonly of: number }
  | { readonly state: "missing"; readonly reason: string };

/** The recorded checksums of component files. */
export interface ComponentDigests {
  /** SHA-256 (lower-case hexadecimal) recorded when the file was first pulled; undefined before that. */
  sha256Of(file: ComponentFile): string | undefined;
}

export interface ComponentReleases extends ComponentDigests {
  /** Sees to it, in the background, that these files are in the store; tells how far that is. */
  ensure(files: readonly ComponentFile[]): ReleaseStatus;
  /**
   * Pulls the files and waits for them.
   * @throws MusterError `upstream-failed`, `not-verified`, `not-found`, `unavailable`.
   */
  pull(files: readonly ComponentFile[]): Promise<void>;
}
