/** The directory of files that machines boot from: written atomically, read by TFTP and HTTP, never left through a link. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { BootFile, BootFiles } from "../../services/assets/assets.ts";
import type { BootTree, PlacedFile } from "../../services/assets/installer-source.ts";

/** Opens the tree below `directory`; it is made when missing. */
export function createBootTree({ directory }: { readonly directory: string }): BootTree & BootFiles {
  const absolute = (relative: string): string => path.join(directory, relative);
  return {
    find: (relative) => findFile(directory, relative),
    place: ({ from, to }) => placeFile(from, absolute(to)),
    hash: (relative) => hashFile(absolute(relative)),
    size: async (relative) => (await stat(absolute(relative)).catch(() => undefined))?.size,
    matches: async (file, relative) => {
      const [one, other] = [await hashFile(file), await hashFile(absolute(relative))];
      return one !== undefined && one.sha256 === other?.sha256;
    },
    absolute,
    remove: (relative) => rm(absolute(relative), { force: true }),
    list: (relative) => readdir(absolute(relative)).catch(() => []),
    removeDirectory: (relative) => rm(absolute(relative), { recursive: true, force: true }),
  };
}

async function placeFile(parts: readonly (string | Uint8Array)[], to: string): Promise<PlacedFile> {
  await mkdir(path.dirname(to), { recursive: true });
  const temporary = `${to}.new`;
  const hash = createHash("sha256");
  let bytes = 0;
  const count = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  await pipeline(Readable.from(chunksOf(parts)), count, createWriteStream(temporary));
  await syncFile(temporary);
  await rename(temporary, to);
  return { sha256: hash.digest("hex"), bytes };
}

async function* chunksOf(parts: readonly (string | Uint8Array)[]): AsyncGenerator<Buffer> {
  for (const part of parts) {
    if (typeof part !== "string") yield Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    else for await (const chunk of createReadStream(part, { highWaterMark: 1 << 20 })) yield chunk as Buffer;
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function hashFile(file: string): Promise<PlacedFile | undefined> {
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
  } catch {
    return undefined;
  }
  return { sha256: hash.digest("hex"), bytes };
}

async function findFile(directory: string, relative: string): Promise<BootFile | undefined> {
  const parts = relative.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || parts.includes("..") || /[\0\\]/.test(relative)) return undefined;
  try {
    const root = await realpath(directory);
    const file = await realpath(path.join(root, ...parts));
    if (!file.startsWith(root + path.sep)) return undefined;
    const found = await stat(file);
    if (!found.isFile()) return undefined;
    const etag = `${found.ino.toString(36)}-${found.size.toString(36)}-${Math.trunc(found.mtimeMs * 1000).toString(36)}`;
    return { path: file, size: found.size, modifiedAt: found.mtimeMs, etag };
  } catch {
    return undefined;
  }
}
