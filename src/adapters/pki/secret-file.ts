/** Files that hold secrets: readable by their owner only, whole or not there. */
import { chmod, mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";

const OWNER_ONLY = 0o600;
const PUBLIC = 0o644;

/** Writes a secret so that a power cut leaves the old file or the new one, and only its owner can read it. */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  await writeWhole(path, { text, mode: OWNER_ONLY });
}

/** Writes a file that anybody may read, as carefully. */
export async function writePublicFile(path: string, text: string): Promise<void> {
  await writeWhole(path, { text, mode: PUBLIC });
}

/** Reads a file and, when it is a secret that others can read, closes it to them; undefined when there is none. */
export async function readSecretFile(path: string): Promise<string | undefined> {
  const text = await readIfThere(path);
  if (text !== undefined) await chmod(path, OWNER_ONLY);
  return text;
}

/** A file's text, undefined when there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function writeWhole(
  path: string,
  file: { readonly text: string; readonly mode: number },
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const unfinished = `${path}.new`;
  const handle = await open(unfinished, "w", file.mode);
  try {
    // The mode given to open counts only for a new file, and only as far as the umask lets it.
    await handle.chmod(file.mode);
    await handle.writeFile(file.text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(unfinished, path);
}
