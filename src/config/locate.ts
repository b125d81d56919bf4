/** Which configuration file counts. */
import { resolve } from "node:path";
import { ConfigError } from "../domain/errors.ts";
import { fileReason } from "./file-reason.ts";

/** Reads text files; fakes stand in for the disk in tests. */
export interface FileReader {
  /** @throws the platform's error; `code` is `ENOENT` when the file does not exist. */
  read(path: string): string;
}

/** The places searched when no file is named, in order. */
export const CONFIG_PLACES = ["./muster.yaml", "/etc/muster/muster.yaml"] as const;

export interface FoundFile {
  readonly path: string;
  /** As the person would write it, for messages. */
  readonly name: string;
  readonly text: string;
}

/**
 * The named file, or the first that exists of {@link CONFIG_PLACES}; undefined when there is none.
 * @throws ConfigError when the named file is missing, or when a file is there but cannot be read.
 */
export function findConfigFile(input: {
  readonly file?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly files: FileReader;
}): FoundFile | undefined {
  const named = input.file ?? (input.environment["MUSTER_CONFIG"] || undefined);
  for (const place of named === undefined ? CONFIG_PLACES : [named]) {
    const path = resolve(input.workingDirectory, place);
    const name = place.replace(/^\.\//, "");
    try {
      return { path, name, text: input.files.read(path) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT" && named === undefined) continue;
      throw new ConfigError(`cannot read the configuration ${name}: ${fileReason(error)}`);
    }
  }
  return undefined;
}
