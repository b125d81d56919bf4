/** The part of the ustar format (POSIX.1-2001) that a backup needs: regular files with short names. */
import type { FileHandle } from "node:fs/promises";
import { MusterError } from "../../domain/errors.ts";

export const TAR_BLOCK = 512;
const LARGEST_FILE = 0o77777777777;
const CHECKSUM = { at: 148, length: 8 } as const;

/** One file inside an archive: where its bytes begin, and how many there are. */
export interface TarEntry {
  readonly name: string;
  readonly size: number;
  readonly offset: number;
}

/** The header block of a file, readable by its owner only. `modifiedAt` in epoch milliseconds. */
export function tarHeader(file: {
  readonly name: string;
  readonly size: number;
  readonly modifiedAt: number;
}): Buffer {
  const { name, size, modifiedAt } = file;
  if (Buffer.byteLength(name) > 100 || size > LARGEST_FILE) {
    throw new MusterError("refused", `${name} does not fit into a backup: its name or its size is too long`);
  }
  const block = Buffer.alloc(TAR_BLOCK);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  block.write(name, 0);
  block.write(octal(0o600, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(Math.floor(modifiedAt / 1000), 11), 136);
  block.write("0", 156);
  block.write("ustar\x0000", 257, "latin1");
  block.write(`${checksumOf(block).toString(8).padStart(6, "0")}\0 `, CHECKSUM.at);
  return block;
}

/** Zeros that fill a file's last block. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK);
}

/** Two empty blocks: the end of an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * TAR_BLOCK);
}

/**
 * The files of an archive, in their order.
 * @throws MusterError `not-verified` when it is no archive of this kind, damaged, or cut short.
 */
export async function readTar(handle: FileHandle): Promise<readonly TarEntry[]> {
  const { size: length } = await handle.stat();
  const entries: TarEntry[] = [];
  for (let position = 0; ; ) {
    const block = Buffer.alloc(TAR_BLOCK);
    const { bytesRead } = await handle.read(block, 0, TAR_BLOCK, position);
    if (bytesRead < TAR_BLOCK) throw damaged("it is cut short");
    if (block.every((byte) => byte === 0)) return entries;
    const entry = entryOf(block, position + TAR_BLOCK);
    if (entry.offset + entry.size > length) throw damaged("it is cut short");
    entries.push(entry);
    position = entry.offset + Math.ceil(entry.size / TAR_BLOCK) * TAR_BLOCK;
  }
}

function entryOf(block: Buffer, offset: number): TarEntry {
  const field = (at: number, length: number): string =>
    block.toString("utf8", at, at + length).replace(/\0.*$/s, "");
  const number = (at: number, length: number): number => Number.parseInt(field(at, length).trim(), 8);
  if (field(257, 5) !== "ustar" || number(CHECKSUM.at, CHECKSUM.length) !== checksumOf(block)) {
    throw damaged("a header does not fit its checksum");
  }
  const size = number(124, 12);
  if (field(156, 1) !== "0" || !Number.isSafeInteger(size))
    throw damaged("it holds something that is no regular file");
  return { name: field(0, 100), size, offset };
}

function checksumOf(block: Buffer): number {
  return block.reduce((sum, byte, index) => {
    const inChecksum = index >= CHECKSUM.at && index < CHECKSUM.at + CHECKSUM.length;
    return sum + (inChecksum ? 0x20 : byte);
  }, 0);
}

function damaged(why: string): MusterError {
  return new MusterError("not-verified", `this is no usable backup: ${why}`);
}
