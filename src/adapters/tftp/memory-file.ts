/** Files that exist only in memory: generated scripts, converted texts. */
import type { TftpClient, TftpFile, TftpFiles } from "../../services/tftp/files.ts";

/** Content of a virtual file for one client, or undefined when there is none of that name. */
export type VirtualFile = (path: string, client: TftpClient) => Promise<Uint8Array | undefined>;

/** Bytes as a file; it has a size like any other (T-29). */
export function memoryFile(bytes: Uint8Array): TftpFile {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
    close: () => undefined,
  };
}

/** Lays virtual files over others: the virtual one wins. */
export function overlayFiles(virtual: VirtualFile, below: TftpFiles): TftpFiles {
  return {
    async open(path, client) {
      const bytes = await virtual(path, client);
      return bytes ? { kind: "file", file: memoryFile(bytes) } : below.open(path, client);
    },
  };
}

/** Reads a whole file of at most `limit` bytes; undefined when it is longer or ends early. */
export async function readWhole(file: TftpFile, limit: number): Promise<Uint8Array | undefined> {
  if (file.size > limit) return undefined;
  const bytes = await file.read(0, file.size);
  return bytes.length === file.size ? bytes : undefined;
}
