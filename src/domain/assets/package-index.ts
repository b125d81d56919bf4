/**
 * Checksums of a suite's packages by their path in the archive. A release has 70,000 of them and every one may be
 * asked for, so they are held in three flat buffers (12 MB for Debian's main) and found by binary search.
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

/** Builds the index of the packages given. */
export function buildPackageIndex(packages: Iterable<PackageFile>): PackageIndex {
  const sorted = [...packages].map((entry) => ({ key: Buffer.from(entry.filename), entry }));
  sorted.sort((a, b) => Buffer.compare(a.key, b.key));
  const names = Buffer.concat(sorted.map(({ key }) => key));
  const ends = new Uint32Array(sorted.length);
  const digests = Buffer.alloc(sorted.length * 32);
  const sizes = new Float64Array(sorted.length);
  let end = 0;
  for (const [position, { key, entry }] of sorted.entries()) {
    end += key.length;
    ends[position] = end;
    sizes[position] = entry.bytes;
    digests.write(entry.sha256, position * 32, 32, "hex");
  }
  return { size: sorted.length, find: (filename) => search({ names, ends, digests, sizes }, filename) };
}

interface Columns {
  readonly names: Buffer;
  readonly ends: Uint32Array;
  readonly digests: Buffer;
  readonly sizes: Float64Array;
}

function search({ names, ends, digests, sizes }: Columns, filename: string): FileDigest | undefined {
  const key = Buffer.from(filename);
  let low = 0;
  let high = ends.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const start = middle === 0 ? 0 : (ends[middle - 1] ?? 0);
    const order = names.compare(key, 0, key.length, start, ends[middle] ?? 0);
    if (order === 0) {
      const sha256 = digests.toString("hex", middle * 32, middle * 32 + 32);
      return { sha256, bytes: sizes[middle] ?? 0 };
    }
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}
