/** What is appended to an installer's initrd: firmware packages as cpio archives, and archives given by the user. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, mkdir, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip, gzipSync } from "node:zlib";
import type { InstallerPlan } from "../../domain/assets/asset-plan.ts";
import { type CpioEntry, type CpioMember, createCpioReader, encodeCpio } from "../../domain/assets/cpio.ts";
import { kernelVersionOfMember } from "../../domain/assets/kernel-agreement.ts";
import type { PackageFile } from "../../domain/assets/package-index.ts";
import { MusterError } from "../../domain/errors.ts";
import type { InitrdPiece } from "../../services/assets/installer-source.ts";
import type { Archive } from "./archive.ts";
import { unpackDeb } from "./deb-package.ts";
import type { Suite } from "./suites.ts";

export interface FirmwareOptions {
  readonly archive: Archive;
  readonly suite: Suite;
  readonly plan: InstallerPlan;
  readonly packages: readonly string[];
  /** The initrd they are made for. */
  readonly initrd: string;
  readonly fetch: (entry: PackageFile) => Promise<string>;
  readonly work: string;
}

const FILE_TYPE = 0o170000;
const SYMBOLIC_LINK = 0o120000;
const COMPONENTS = ["non-free-firmware", "main", "non-free"];

/** One piece per firmware package, in the order given. @throws MusterError `not-found` naming an unknown package. */
export async function createFirmwarePieces(options: FirmwareOptions): Promise<readonly InitrdPiece[]> {
  if (options.packages.length === 0) return [];
  const entries = await findPackages(options);
  const lib = await libraryDirectory(options.initrd);
  const pieces: InitrdPiece[] = [];
  for (const entry of entries) {
    const deb = await options.fetch(entry);
    pieces.push({
      name: `${entry.name} ${entry.version}`,
      key: `${entry.sha256} ${lib}`,
      read: () => firmwareCpio({ deb, lib, work: options.work }),
    });
  }
  return pieces;
}

/** The configured archives as they are on disk. @throws MusterError `not-found` when one cannot be read. */
export async function extraPieces(
  extras: readonly { readonly file: string }[],
): Promise<readonly InitrdPiece[]> {
  const pieces: InitrdPiece[] = [];
  for (const { file } of extras) {
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw new MusterError("not-found", `the initrd addition ${file} cannot be read`, { cause });
    });
    const key = createHash("sha256").update(bytes).digest("hex");
    pieces.push({ name: path.basename(file), key, read: () => Promise.resolve(bytes) });
  }
  return pieces;
}

/** ABI version of the kernel whose modules an initrd (gzip, cpio) holds; undefined when it holds none. */
export async function kernelVersionIn(initrd: string): Promise<string | undefined> {
  let version: string | undefined;
  await walkInitrd(initrd, ({ name }) => {
    version ??= kernelVersionOfMember(name);
    return version === undefined;
  });
  return version;
}

async function findPackages({
  archive,
  suite,
  plan,
  packages,
}: FirmwareOptions): Promise<readonly PackageFile[]> {
  const architecture = plan.moduleIndex.split("binary-")[1]?.split("/")[0] ?? "amd64";
  const found = new Map<string, PackageFile>();
  for (const component of COMPONENTS) {
    const lacking = packages.filter((name) => !found.has(name));
    if (lacking.length === 0) break;
    const index = `${component}/binary-${architecture}/Packages.gz`;
    for (const [name, entry] of await archive.packages(suite, index, lacking)) found.set(name, entry);
  }
  return packages.map((name) => {
    const entry = found.get(name);
    if (!entry) throw new MusterError("not-found", `${suite.name} has no firmware package ${name}`);
    return entry;
  });
}

/**
 * Where `/lib` really is. An archive that holds a directory `lib` would make the kernel replace Debian 13's link of
 * that name by an empty directory, and nothing would start any more.
 */
async function libraryDirectory(initrd: string): Promise<"lib" | "usr/lib"> {
  const lib = { linked: false };
  await walkInitrd(initrd, ({ name, mode }) => {
    if (/^\.?\/?lib$/.test(name)) lib.linked = (mode & FILE_TYPE) === SYMBOLIC_LINK;
    return !lib.linked;
  });
  return lib.linked ? "usr/lib" : "lib";
}

/** Calls back for each member until it returns false. */
async function walkInitrd(initrd: string, onMember: (member: CpioMember) => boolean): Promise<void> {
  const walk = { wanted: true };
  const reader = createCpioReader((member) => {
    if (walk.wanted) walk.wanted = onMember(member);
  });
  try {
    await pipeline(createReadStream(initrd), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) if (!reader.push(chunk) || !walk.wanted) return;
    });
  } catch (cause) {
    // Leaving the loop early closes the decompressor; only damage before that counts.
    if (walk.wanted)
      throw new MusterError("not-verified", `${path.basename(initrd)} is no gzip-compressed initrd`, {
        cause,
      });
  }
}

interface FirmwareSource {
  readonly deb: string;
  readonly lib: string;
  readonly work: string;
}

async function firmwareCpio({ deb, lib, work }: FirmwareSource): Promise<Uint8Array> {
  await mkdir(work, { recursive: true });
  const unpacked = await unpackDeb(deb, work);
  try {
    const entries: CpioEntry[] = [];
    for (const source of ["usr/lib/firmware", "lib/firmware"]) {
      const directory = path.join(unpacked.directory, source);
      for await (const entry of entriesBelow(directory, `${lib}/firmware`)) entries.push(entry);
    }
    return gzipSync(encodeCpio(entries));
  } finally {
    await unpacked.dispose();
  }
}

async function* entriesBelow(directory: string, prefix: string): AsyncGenerator<CpioEntry> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.sort()) {
    const file = path.join(directory, name);
    const member = `${prefix}/${name}`;
    const found = await lstat(file);
    if (found.isDirectory()) yield* entriesBelow(file, member);
    else if (found.isSymbolicLink()) yield { kind: "symlink", name: member, target: await readlink(file) };
    else if (found.isFile()) yield { kind: "file", name: member, data: await readFile(file) };
  }
}
