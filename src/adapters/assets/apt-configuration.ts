/** Reads the archives that this host's own apt uses. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import {
  type AptArchives,
  type AptSource,
  chooseArchives,
  parseDeb822Sources,
  parseSourcesList,
} from "../../domain/assets/apt-sources.ts";

/** Debian's archives as configured below `directory` (normally `/etc/apt`); undefined parts where apt names none. */
export async function readAptArchives(directory: string): Promise<AptArchives> {
  const parts = path.join(directory, "sources.list.d");
  const names = await list(parts);
  const files = [path.join(directory, "sources.list"), ...names.map((name) => path.join(parts, name))];
  const sources: AptSource[] = [];
  for (const file of files) {
    if (file.endsWith(".sources")) sources.push(...parseDeb822Sources(await read(file)));
    else if (file.endsWith(".list")) sources.push(...parseSourcesList(await read(file)));
  }
  return chooseArchives(sources);
}

async function list(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch {
    return [];
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return "";
  }
}
