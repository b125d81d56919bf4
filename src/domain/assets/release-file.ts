/** The `Release` file at the top of a Debian suite: what the suite is, and the checksum of every index in it. */
import { type Paragraph, parseParagraphs } from "./deb822.ts";

/** Size and SHA-256 (hexadecimal) of a file, as an index promises them. */
export interface FileDigest {
  readonly sha256: string;
  readonly bytes: number;
}

/** A parsed `Release`. Paths in `files` are relative to the suite's directory. */
export interface ReleaseFile {
  readonly codename: string;
  readonly suite: string;
  readonly version: string;
  /** When it was made; epoch milliseconds, undefined when absent. */
  readonly date: number | undefined;
  /** From when on it must not be trusted any more; epoch milliseconds. */
  readonly validUntil: number | undefined;
  readonly files: ReadonlyMap<string, FileDigest>;
}

/** Reads the (already verified) text of a `Release`; undefined when it names no SHA-256 checksums. */
export function parseRelease(text: string): ReleaseFile | undefined {
  const paragraph = parseParagraphs(text)[0];
  if (!paragraph?.has("sha256")) return undefined;
  return {
    codename: paragraph.get("codename") ?? "",
    suite: paragraph.get("suite") ?? "",
    version: paragraph.get("version") ?? "",
    date: instant(paragraph, "date"),
    validUntil: instant(paragraph, "valid-until"),
    files: checksums(paragraph.get("sha256") ?? ""),
  };
}

/** Reads a `SHA256SUMS` file; names lose a leading `./`. */
export function parseSha256Sums(text: string): ReadonlyMap<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^([0-9a-f]{64}) [ *](?:\.\/)?(.+)$/.exec(line);
    if (match?.[1] && match[2]) sums.set(match[2], match[1]);
  }
  return sums;
}

function checksums(field: string): ReadonlyMap<string, FileDigest> {
  const files = new Map<string, FileDigest>();
  for (const line of field.split("\n")) {
    const match = /^([0-9a-f]{64})\s+(\d+)\s+(\S+)$/.exec(line.trim());
    if (match?.[1] && match[3]) files.set(match[3], { sha256: match[1], bytes: Number(match[2]) });
  }
  return files;
}

function instant(paragraph: Paragraph, field: string): number | undefined {
  const at = Date.parse(paragraph.get(field) ?? "");
  return Number.isNaN(at) ? undefined : at;
}
