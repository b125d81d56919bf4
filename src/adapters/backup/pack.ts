/** Packs a data directory into a backup: a tar archive whose first file lists the others with their checksums. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { BackupArchive } from "../../services/backup.ts";
import {
  ADMIN_TOKEN,
  type BackupManifest,
  COMPONENT_LOCK,
  DATABASE,
  isBackedUp,
  MANIFEST,
  PKI,
} from "./manifest.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar.ts";

interface PackedFile {
  readonly name: string;
  readonly source: string;
  readonly size: number;
  readonly sha256: string;
}

/** Backups of the files below a data directory. The copy of the database lies beside it until the stream has ended. */
export function backupArchive({ dataDir }: { readonly dataDir: string }): BackupArchive {
  return {
    async pack({ createdAt, copyDatabase }) {
      const work = await mkdtemp(path.join(dataDir, "backup-"));
      try {
        const copy = path.join(work, DATABASE);
        await copyDatabase(copy);
        const sources = [{ name: DATABASE, source: copy }, ...(await secretFiles(dataDir))];
        const files: PackedFile[] = [];
        for (const each of sources) files.push({ ...each, ...(await measure(each.source)) });
        return Readable.from(archive({ files, createdAt, work }));
      } catch (error) {
        await rm(work, { recursive: true, force: true });
        throw error;
      }
    },
  };
}

async function secretFiles(dataDir: string): Promise<{ readonly name: string; readonly source: string }[]> {
  const listed = async (directory: string): Promise<string[]> => {
    const entries = await readdir(path.join(dataDir, directory), { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => path.posix.join(directory, entry.name));
  };
  const inRoot = (await listed(".")).filter((name) => name === ADMIN_TOKEN || name === COMPONENT_LOCK);
  const entries = await readdir(dataDir);
  const keys = entries.includes(PKI) ? await listed(PKI) : [];
  return [...inRoot, ...keys].filter(isBackedUp).map((name) => ({ name, source: path.join(dataDir, name) }));
}

async function measure(file: string): Promise<{ readonly size: number; readonly sha256: string }> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return { size: (await stat(file)).size, sha256: hash.digest("hex") };
}

async function* archive(options: {
  readonly files: readonly PackedFile[];
  readonly createdAt: number;
  readonly work: string;
}): AsyncGenerator<Buffer> {
  const { files, createdAt, work } = options;
  try {
    const listed = files.map(({ name, size, sha256 }) => ({ name, size, sha256 }));
    const manifest: BackupManifest = { format: 1, createdAt, files: listed };
    const text = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
    yield tarHeader({ name: MANIFEST, size: text.length, modifiedAt: createdAt });
    yield Buffer.concat([text, tarPadding(text.length)]);
    for (const { name, source, size } of files) {
      yield tarHeader({ name, size, modifiedAt: createdAt });
      // A file that grew since it was measured would shift everything behind it.
      if (size > 0)
        for await (const chunk of createReadStream(source, { end: size - 1 })) yield chunk as Buffer;
      yield tarPadding(size);
    }
    yield tarEnd();
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
