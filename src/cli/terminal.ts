/** What a command sees of the process that runs it; tests hand in their own. */
import type { Readable, Writable } from "node:stream";

/** A stream that may be a terminal. */
export type Screen = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Data only: what a pipe should carry. */
  readonly stdout: Screen;
  /** Messages, progress, errors. */
  readonly stderr: Screen;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Aborted by the first interrupt. */
  readonly interrupted: AbortSignal;
}
