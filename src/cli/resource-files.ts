/** The documents of `-f`: files, directories of them, or standard input. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileReason } from "../config/file-reason.ts";
import { UsageError } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** A line that is neither empty, a comment, nor a mark between documents. */
const SAYS_SOMETHING = /^(?!\s*(?:#.*|---.*|\.\.\.)?$)/m;

/** A text of documents and the name by which faults refer to it. */
export interface DocumentFile {
  readonly name: string;
  readonly text: string;
}

/**
 * Reads every file; of a directory those ending in .yaml or .yml, by name; `-` is standard input.
 * @throws UsageError for what cannot be read, and when no document is in any of them.
 */
export async function readResourceFiles(
  terminal: Terminal,
  names: readonly string[],
): Promise<readonly DocumentFile[]> {
  const files: DocumentFile[] = [];
  for (const name of names) {
    if (name === "-") files.push({ name: "standard input", text: await readStandardInput(terminal) });
    else files.push(...readPath(terminal, name));
  }
  if (!files.some(({ text }) => SAYS_SOMETHING.test(text))) {
    throw new UsageError(`${names.map(inWords).join(", ")}: no document in it, nothing but comments at most`);
  }
  return files;
}

function inWords(name: string): string {
  return name === "-" ? "standard input" : name;
}

function readPath(terminal: Terminal, name: string): readonly DocumentFile[] {
  const place = path.resolve(terminal.workingDirectory, name);
  try {
    if (!statSync(place).isDirectory()) return [{ name, text: readFileSync(place, "utf8") }];
    const inside = readdirSync(place).filter((file) => /\.ya?ml$/.test(file));
    if (inside.length === 0) throw new UsageError(`${name} holds no .yaml files`);
    return inside.sort().map((file) => ({
      name: path.join(name, file),
      text: readFileSync(path.join(place, file), "utf8"),
    }));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`cannot read ${name}: ${fileReason(error)}`);
  }
}

async function readStandardInput(terminal: Terminal): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of terminal.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString("utf8");
}
