/**
 * Checksums of a suite's packages by their path in the archive. A release has 70,000 of them and every one may be
 * asked for, so they are held in flat buffers (10 MB for Debian's main) and found through a hash table. They are copied
 * one by one while the index is read: a text kept from it would keep the whole index in memory.
 */
import type { Paragraph } from "./deb822.ts";
import type { FileDigest } from "./release-file.ts";

/** A package as its index paragraph describes it. `filename` is relative to the archive's root. */
export interface PackageFile extends FileDigest {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
}

/** Finds the digest of a file by its path relative to the archive's root, for example `pool/main/i/ipxe/…`. */
export interface PackageIndex {
  readonly size: number;
  find(filename: string): FileDigest | undefined;
}

/** Reads the fields a download needs; undefined when the paragraph lacks one or the path leaves the archive. */
export function packageOf(paragraph: Paragraph): PackageFile | undefined {
  const sha256 = paragraph.get("sha256") ?? "";
  const filename = paragraph.get("filename") ?? "";
  const bytes = Number(paragraph.get("size") ?? Number.NaN);
  if (!/^[0-9a-f]{64}$/.test(sha256) || !Number.isSafeInteger(bytes)) return undefined;
  if (filename === "" || filename.startsWith("/") || filename.split("/").includes("..")) return undefined;
  return {
    name: paragraph.get("package") ?? "",
    version: paragraph.get("version") ?? "",
    filename,
    sha256,
    bytes,
  };
}

/** Takes packages one at a time. */
export interface PackageIndexBuilder {
  add(file: Pick<PackageFile, "filename" | "sha256" | "bytes">): void;
  finish(): PackageIndex;
}

/** An empty index to be filled. Of two files with one name the first counts. */
export function createPackageIndexBuilder(): PackageIndexBuilder {
  const names = new GrowingBytes();
  const digests = new GrowingBytes();
  const ends: number[] = [];
  const sizes: number[] = [];
  const hashes: number[] = [];
  const add: PackageIndexBuilder["add"] = ({ filename, sha256, bytes }) => {
    const name = Buffer.from(filename);
    names.append(name);
    hashes.push(hashOf(name));
    digests.append(Buffer.from(sha256, "hex"));
    ends.push(names.length);
    sizes.push(bytes);
  };
  const finish = (): PackageIndex => {
    const columns = { names: names.bytes(), digests: digests.bytes(), ends, sizes };
    const table = hashTable(hashes);
    return { size: ends.length, find: (filename) => search({ ...columns, table }, filename) };
  };
  return { add, finish };
}

interface Columns {
  readonly names: Buffer;
  readonly digests: Buffer;
  readonly ends: readonly number[];
  readonly sizes: readonly number[];
}

class GrowingBytes {
  #buffer = Buffer.allocUnsafe(1 << 16);
  length = 0;

  append(bytes: Buffer): void {
    if (this.length + bytes.length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.length + bytes.length));
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    this.length += bytes.copy(this.#buffer, this.length);
  }

  bytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.length));
  }
}

/** Open addressing; a slot holds the position of a file plus one, 0 is free. */
function hashTable(hashes: readonly number[]): Uint32Array {
  const table = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2, hashes.length * 2))));
  for (const [position, hash] of hashes.entries()) {
    let slot = hash % table.length;
    while (table[slot] !== 0) slot = (slot + 1) % table.length;
    table[slot] = position + 1;
  }
  return table;
}

function search(index: Columns & { readonly table: Uint32Array }, filename: string): FileDigest | undefined {
  const { table, digests, sizes } = index;
  const name = Buffer.from(filename);
  for (let slot = hashOf(name) % table.length; ; slot = (slot + 1) % table.length) {
    const entry = table[slot] ?? 0;
    if (entry === 0) return undefined;
    const position = entry - 1;
    if (!nameAt(index, position).equals(name)) continue;
    const sha256 = digests.toString("hex", position * 32, position * 32 + 32);
    return { sha256, bytes: sizes[position] ?? 0 };
  }
}

function nameAt({ names, ends }: Columns, position: number): Buffer {
  return names.subarray(position === 0 ? 0 : ends[position - 1], ends[position]);
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return hash >>> 0;
}
