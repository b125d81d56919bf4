/**
 * cpio archives in the "newc" format, the one the Linux kernel unpacks as an initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Header, name and data are padded to 4 bytes:
 *
 *     "070701" ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
 *              8 hexadecimal digits each; then name NUL, padding, data, padding; the end is "TRAILER!!!"
 */

/** One member of an archive. Names are relative, without a leading slash. */
export type CpioEntry =
  | { readonly kind: "file"; readonly name: string; readonly data: Uint8Array; readonly mode?: number }
  | { readonly kind: "directory"; readonly name: string; readonly mode?: number }
  | { readonly kind: "symlink"; readonly name: string; readonly target: string };

const HEADER_BYTES = 110;
const MODES = { file: 0o100644, directory: 0o040755, symlink: 0o120777 } as const;
const ENCODER = new TextEncoder();

/**
 * Writes an archive, missing parent directories included. Owner is root and the time is 0,
 * so that the same members give the same bytes.
 */
export function encodeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const all = [...withParents(entries)];
  const members = all.map((entry, index) => encodeEntry(entry, index + 1));
  members.push(encodeMember({ name: "TRAILER!!!", inode: 0, mode: 0, data: new Uint8Array() }));
  return Buffer.concat(members);
}

/** A member as met while reading: its name and its mode with the file type bits. */
export interface CpioMember {
  readonly name: string;
  readonly mode: number;
}

/** Takes an uncompressed archive in pieces of any size. */
export interface CpioReader {
  /** False once the trailer, or something that is no member, was met: the rest need not be read. */
  push(chunk: Uint8Array): boolean;
}

/** A reader that calls back for each member and keeps none of the data, so that an initrd of any size can be looked into. */
export function createCpioReader(onMember: (member: CpioMember) => void): CpioReader {
  let pending: Buffer = Buffer.alloc(0);
  let skip = 0;
  let open = true;
  const step = (): boolean => {
    const member = readHeader(pending);
    if (member === "incomplete") return false;
    if (member === "end") {
      open = false;
      return false;
    }
    onMember({ name: member.name, mode: member.mode });
    skip = member.bytes;
    return true;
  };
  const push = (chunk: Uint8Array): boolean => {
    pending = Buffer.concat([pending, chunk]);
    do {
      const passed = Math.min(skip, pending.length);
      pending = pending.subarray(passed);
      skip -= passed;
    } while (open && skip === 0 && step());
    return open;
  };
  return { push };
}

/** The header at the start of the bytes; `bytes` counts header, name, data and padding. */
function readHeader(buffer: Buffer): (CpioMember & { readonly bytes: number }) | "incomplete" | "end" {
  if (buffer.length < HEADER_BYTES) return "incomplete";
  const field = (index: number): number => Number.parseInt(ascii(buffer, 6 + index * 8, 8), 16);
  const nameSize = field(11);
  const size = field(6);
  if (!/^07070[12]$/.test(ascii(buffer, 0, 6)) || !(nameSize >= 1 && nameSize <= 4096) || !(size >= 0))
    return "end";
  if (buffer.length < HEADER_BYTES + nameSize) return "incomplete";
  const name = ascii(buffer, HEADER_BYTES, nameSize - 1);
  if (name === "TRAILER!!!") return "end";
  return { name, mode: field(1), bytes: pad4(HEADER_BYTES + nameSize) + pad4(size) };
}

function* withParents(entries: readonly CpioEntry[]): Generator<CpioEntry> {
  const seen = new Set(entries.filter((entry) => entry.kind === "directory").map((entry) => entry.name));
  for (const entry of entries) {
    const parts = entry.name.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const name = parts.slice(0, depth).join("/");
      if (seen.has(name)) continue;
      seen.add(name);
      yield { kind: "directory", name };
    }
    yield entry;
  }
}

function encodeEntry(entry: CpioEntry, inode: number): Uint8Array {
  const { name } = entry;
  switch (entry.kind) {
    case "file": {
      const mode = 0o100000 | (entry.mode ?? MODES.file);
      return encodeMember({ name, inode, mode, data: entry.data });
    }
    case "directory": {
      const mode = 0o040000 | (entry.mode ?? MODES.directory);
      return encodeMember({ name, inode, mode, data: new Uint8Array() });
    }
    case "symlink":
      return encodeMember({ name, inode, mode: MODES.symlink, data: ENCODER.encode(entry.target) });
  }
}

interface Member {
  readonly name: string;
  readonly inode: number;
  readonly mode: number;
  readonly data: Uint8Array;
}

function encodeMember({ name, inode, mode, data }: Member): Uint8Array {
  const nameBytes = ENCODER.encode(`${name}\0`);
  const links = (mode & 0o170000) === 0o040000 ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, 0, 0, nameBytes.length, 0];
  const header = `070701${fields.map((value) => value.toString(16).padStart(8, "0")).join("")}`;
  const dataStart = pad4(HEADER_BYTES + nameBytes.length);
  const bytes = new Uint8Array(dataStart + pad4(data.length));
  bytes.set(ENCODER.encode(header), 0);
  bytes.set(nameBytes, HEADER_BYTES);
  bytes.set(data, dataStart);
  return bytes;
}

function ascii(buffer: Buffer, offset: number, length: number): string {
  return buffer.toString("latin1", offset, offset + length);
}

function pad4(length: number): number {
  return (length + 3) & ~3;
}
