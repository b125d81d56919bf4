/** Archives in the ustar format (POSIX.1-2001): regular files, owned by root, in memory. */
import { DecodeError } from "./decode-error.ts";

const BLOCK = 512;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const CHECKSUM = { at: 148, length: 8 } as const;
const LARGEST_FILE = 0o77777777777;

/** One regular file. `path` is relative to wherever the archive is unpacked; `mode` such as 0o644. */
export interface ArchivedFile {
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

/**
 * The archive of these files in their order. The same files make the same bytes: there are no dates in it.
 * @throws RangeError for a path that ustar cannot hold: longer than 100 bytes after, or 155 before, one of its slashes.
 */
export function encodeTar(files: readonly ArchivedFile[]): Uint8Array {
  const parts = files.flatMap((file) => [header(file), file.content, padding(file.content.length)]);
  const total = parts.reduce((sum, part) => sum + part.length, 2 * BLOCK);
  const archive = new Uint8Array(total);
  let offset = 0;
  for (const part of parts) {
    archive.set(part, offset);
    offset += part.length;
  }
  return archive;
}

function header(file: ArchivedFile): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const { name, prefix } = split(file.path.replace(/^\/+/, ""));
  if (file.content.length > LARGEST_FILE) throw new RangeError(`${file.path} is too large for an archive`);
  write(block, 0, name);
  write(block, 100, octal(file.mode, 7));
  write(block, 108, octal(0, 7));
  write(block, 116, octal(0, 7));
  write(block, 124, octal(file.content.length, 11));
  write(block, 136, octal(0, 11));
  write(block, 156, "0");
  write(block, 257, "ustar\x0000");
  write(block, 265, "root");
  write(block, 297, "root");
  write(block, 345, prefix);
  write(block, CHECKSUM.at, `${checksumOf(block).toString(8).padStart(6, "0")}\0 `);
  return block;
}

function split(path: string): { readonly name: string; readonly prefix: string } {
  if (bytes(path).length <= NAME_BYTES) return { name: path, prefix: "" };
  for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) {
    const prefix = path.slice(0, at);
    const name = path.slice(at + 1);
    if (bytes(name).length <= NAME_BYTES && bytes(prefix).length <= PREFIX_BYTES) return { name, prefix };
  }
  throw new RangeError(`the path ${path} is too long for an archive`);
}

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, "0")}\0`;
}

function padding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

function write(block: Uint8Array, offset: number, text: string): void {
  block.set(bytes(text), offset);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function checksumOf(block: Uint8Array): number {
  return block.reduce((sum, byte, index) => {
    const inChecksum = index >= CHECKSUM.at && index < CHECKSUM.at + CHECKSUM.length;
    return sum + (inChecksum ? 0x20 : byte);
  }, 0);
}

/** The regular files of an archive in their order. @throws DecodeError when it is damaged or cut short. */
export function decodeTar(archive: Uint8Array): readonly ArchivedFile[] {
  const files: ArchivedFile[] = [];
  for (let offset = 0; ; ) {
    const block = archive.subarray(offset, offset + BLOCK);
    if (block.length < BLOCK) throw new DecodeError("the archive is cut short", offset);
    if (block.every((byte) => byte === 0)) return files;
    const size = numberAt(block, 124, 11);
    const declared = numberAt(block, CHECKSUM.at, 6);
    if (declared !== checksumOf(block))
      throw new DecodeError("a header does not fit its checksum", offset + CHECKSUM.at);
    const start = offset + BLOCK;
    if (start + size > archive.length) throw new DecodeError("the archive is cut short", start);
    const prefix = textAt(block, 345, PREFIX_BYTES);
    const path = `${prefix ? `${prefix}/` : ""}${textAt(block, 0, NAME_BYTES)}`;
    files.push({ path, mode: numberAt(block, 100, 7), content: archive.slice(start, start + size) });
    offset = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}

function textAt(block: Uint8Array, offset: number, length: number): string {
  return new TextDecoder().decode(block.subarray(offset, offset + length)).replace(/\0.*$/s, "");
}

function numberAt(block: Uint8Array, offset: number, length: number): number {
  const text = textAt(block, offset, length).trim();
  if (!/^[0-7]+$/.test(text)) throw new DecodeError("a number of a header is not octal", offset);
  return Number.parseInt(text, 8);
}
