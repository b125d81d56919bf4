/**
 * Blocks of files in memory, shared by all transfers. A hundred machines load the same kernel at the same time: each
 * block is read once and every socket is written from the same buffer, so memory does not grow with the clients.
 */
import { type FileHandle, open } from "node:fs/promises";
import type { BootFile } from "../../services/assets/assets.ts";

export const BLOCK_BYTES = 256 * 1024;

/** One transfer's view of a file; `close` gives the descriptor back, also after a failure. */
export interface BlockReader {
  /** The block if it is in memory. */
  held(block: number): Buffer | undefined;
  /** Reads the block; rejects when the file changed or shrank meanwhile. */
  read(block: number): Promise<Buffer>;
  close(): Promise<void>;
}

export interface BlockCache {
  reader(file: BootFile): BlockReader;
}

/** A cache of at most `maxBytes`; what was used least recently goes first. */
export function createBlockCache({ maxBytes }: { readonly maxBytes: number }): BlockCache {
  const blocks = new Map<string, Buffer>();
  const reading = new Map<string, Promise<Buffer>>();
  const limit = Math.max(1, Math.floor(maxBytes / BLOCK_BYTES));

  const held = (key: string): Buffer | undefined => {
    const block = blocks.get(key);
    if (block === undefined) return undefined;
    blocks.delete(key);
    blocks.set(key, block);
    return block;
  };
  const keep = (key: string, block: Buffer): void => {
    blocks.set(key, block);
    for (const oldest of blocks.keys()) {
      if (blocks.size <= limit) break;
      blocks.delete(oldest);
    }
  };
  const read = async (file: BootFile, block: number, handle: () => Promise<FileHandle>): Promise<Buffer> => {
    const key = `${file.etag}:${block}`;
    const shared = held(key) ?? reading.get(key);
    if (shared !== undefined) return shared;
    const started = handle().then((opened) => readBlock(opened, file, block));
    reading.set(key, started);
    try {
      const bytes = await started;
      keep(key, bytes);
      return bytes;
    } finally {
      reading.delete(key);
    }
  };
  return {
    reader: (file) => {
      let opening: Promise<FileHandle> | undefined;
      const handle = (): Promise<FileHandle> => (opening ??= openSame(file));
      return {
        held: (block) => held(`${file.etag}:${block}`),
        read: (block) => read(file, block, handle),
        close: async () => {
          const opened = await opening?.catch(() => undefined);
          await opened?.close();
        },
      };
    },
  };
}

async function openSame(file: BootFile): Promise<FileHandle> {
  const handle = await open(file.path, "r");
  const found = await handle.stat();
  if (found.size === file.size && found.mtimeMs === file.modifiedAt) return handle;
  await handle.close();
  throw new Error("the file was replaced while it was opened");
}

async function readBlock(handle: FileHandle, file: BootFile, block: number): Promise<Buffer> {
  const start = block * BLOCK_BYTES;
  const length = Math.min(BLOCK_BYTES, file.size - start);
  const buffer = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, start + filled);
    if (bytesRead === 0) throw new Error("the file became shorter while it was read");
    filled += bytesRead;
  }
  return buffer;
}
