/** Shapes of the files that plans are made of. */
import type { TextFile } from "../install/shell.ts";

/** A file that everybody may read. */
export function textFile(path: string, content: string): TextFile {
  return { path, mode: "0644", content };
}

/** A program or script. */
export function program(path: string, content: string): TextFile {
  return { path, mode: "0755", content };
}

/** A file that only root may read. */
export function secretFile(path: string, content: string): TextFile {
  return { path, mode: "0600", content };
}
