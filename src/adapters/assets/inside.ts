import { realpath, stat } from "node:fs/promises";
import path from "node:path";

/** The real path of a regular file below `directory`; undefined when absent or when a link leads outside. */
export async function findInside(directory: string, relative: string): Promise<string | undefined> {
  try {
    const root = await realpath(directory);
    const file = await realpath(path.join(root, relative));
    return file.startsWith(root + path.sep) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}
