/**
 * One Debian archive: from a path to the checksum that the signed release promises for it, and from there to the file.
 * The chain is InRelease (signature) → index (SHA-256) → file (SHA-256).
 */
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { StringDecoder } from "node:string_decoder";
import { createGunzip } from "node:zlib";
import { createParagraphReader, type Paragraph } from "../../domain/assets/deb822.ts";
import {
  createPackageIndexBuilder,
  type PackageFile,
  type PackageIndex,
  packageOf,
} from "../../domain/assets/package-index.ts";
import { parseSha256Sums } from "../../domain/assets/release-file.ts";
import type { Wanted } from "./fill.ts";
import type { ObjectCache, ObjectRequest } from "./object-cache.ts";
import type { Suite, Suites } from "./suites.ts";
import type { Upstream } from "./upstream.ts";

/** A file of the archive together with what it must hash to. */
export interface ArchiveFile {
  readonly wanted: Wanted;
  /** Places in the archive, relative to its root, best first. */
  readonly paths: readonly string[];
}

export interface Archive {
  readonly upstream: Upstream;
  readonly suites: Suites;
  /** A file that the suite's release lists; undefined when it does not. `file` is relative to the suite. */
  listed(suite: Suite, file: string): ArchiveFile | undefined;
  /** A file below an installer's `images` directory, by its `SHA256SUMS`. */
  installerImage(
    suite: Suite,
    image: { readonly directory: string; readonly file: string },
  ): Promise<ArchiveFile | undefined>;
  /** Path on disk of the verified file. */
  obtain(file: ArchiveFile, options?: ObtainOptions): Promise<string>;
  /** Calls back for every paragraph of a gzip-compressed index that the suite lists. */
  readIndex(suite: Suite, file: string, onParagraph: (paragraph: Paragraph) => void): Promise<void>;
  /** Checksums by path of everything in one `Packages.gz`; undefined when the suite does not list it. */
  packageIndex(suite: Suite, file: string): Promise<PackageIndex | undefined>;
  /** The newest version of each named package in one `Packages.gz`. */
  packages(suite: Suite, file: string, names: readonly string[]): Promise<ReadonlyMap<string, PackageFile>>;
}

export interface ObtainOptions {
  readonly onProgress?: (written: number) => void;
  readonly signal?: AbortSignal;
}

export interface ArchiveOptions {
  readonly upstream: Upstream;
  readonly suites: Suites;
  readonly cache: ObjectCache;
}

/** Puts the parts of an archive together. */
export function createArchive(options: ArchiveOptions): Archive {
  const { upstream, suites } = options;
  const indexes = new Map<string, Promise<PackageIndex>>();
  const obtain: Archive["obtain"] = (file, obtaining = {}) => obtainFile(options, { file, ...obtaining });
  const readIndex: Archive["readIndex"] = async (suite, file, onParagraph) => {
    const entry = listed(suite, file);
    if (entry) await readGzippedIndex(await obtain(entry), onParagraph);
  };
  const packageIndex: Archive["packageIndex"] = async (suite, file) => {
    const key = suite.release.files.get(file)?.sha256;
    if (key === undefined) return undefined;
    const held = indexes.get(key);
    if (held) return held;
    forgetSuperseded(indexes, suites);
    const loading = loadPackageIndex((each) => readIndex(suite, file, each));
    indexes.set(key, loading);
    loading.catch(() => indexes.delete(key));
    return loading;
  };
  const packages: Archive["packages"] = async (suite, file, names) => {
    const found = new Map<string, PackageFile>();
    await readIndex(suite, file, (paragraph) => {
      if (!names.includes(paragraph.get("package") ?? "")) return;
      const entry = packageOf(paragraph);
      if (entry) found.set(entry.name, entry);
    });
    return found;
  };
  const installerImage: Archive["installerImage"] = async (suite, { directory, file }) => {
    const sums = listed(suite, `${directory}/SHA256SUMS`);
    if (!sums) return undefined;
    const sha256 = parseSha256Sums(await readFile(await obtain(sums), "utf8")).get(file);
    const name = `dists/${suite.name}/${directory}/${file}`;
    return sha256 === undefined ? undefined : { wanted: { sha256, bytes: undefined }, paths: [name] };
  };
  return { upstream, suites, listed, installerImage, obtain, readIndex, packageIndex, packages };
}

/** By hash first: the plain name may already (or still) hold another generation while a mirror is being updated. */
function listed(suite: Suite, file: string): ArchiveFile | undefined {
  const wanted = suite.release.files.get(file);
  if (!wanted) return undefined;
  const directory = `dists/${suite.name}/${file.split("/").slice(0, -1).join("/")}`.replace(/\/$/, "");
  const paths = [`${directory}/by-hash/SHA256/${wanted.sha256}`, `dists/${suite.name}/${file}`];
  return { wanted, paths };
}

function obtainFile(
  { upstream, cache }: ArchiveOptions,
  { file, ...options }: ObtainOptions & { readonly file: ArchiveFile },
): Promise<string> {
  const request: ObjectRequest = { upstream, paths: file.paths, wanted: file.wanted };
  return cache.obtain({ ...request, ...options });
}

async function readGzippedIndex(file: string, onParagraph: (paragraph: Paragraph) => void): Promise<void> {
  const reader = createParagraphReader(onParagraph);
  const decoder = new StringDecoder("utf8");
  await pipeline(createReadStream(file), createGunzip(), async (text: AsyncIterable<Buffer>) => {
    for await (const chunk of text) reader.push(decoder.write(chunk));
  });
  reader.push(decoder.end());
  reader.end();
}

async function loadPackageIndex(
  read: (onParagraph: (paragraph: Paragraph) => void) => Promise<void>,
): Promise<PackageIndex> {
  const index = createPackageIndexBuilder();
  await read((paragraph) => {
    const entry = packageOf(paragraph);
    if (entry) index.add(entry);
  });
  return index.finish();
}

/** Drops indexes that no known suite lists any more. */
function forgetSuperseded(indexes: Map<string, unknown>, suites: Suites): void {
  const current = new Set(
    suites.known().flatMap((suite) => [...suite.release.files.values()].map((file) => file.sha256)),
  );
  for (const key of indexes.keys()) if (!current.has(key)) indexes.delete(key);
}
