/**
 * The lock file: which bytes stand behind each released file, recorded when it was first pulled. It is text that a
 * person can read, keep under version control and take to another appliance.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { MusterError } from "../../domain/errors.ts";
import { writeWhole } from "./write-whole.ts";

const entrySchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().min(0),
  component: z.string(),
  version: z.string(),
  name: z.string(),
  /** ISO 8601. */
  recorded: z.string(),
});

const lockSchema = z.strictObject({ lock: z.literal(1), files: z.record(z.string(), entrySchema) });

export type LockEntry = z.output<typeof entrySchema>;

export interface DigestLock {
  /** Where the file is, for messages. */
  readonly file: string;
  /** The entry of `<upstream>/<path>`. */
  get(key: string): LockEntry | undefined;
  /** Records a digest durably. An entry that exists stays as it is. */
  record(key: string, entry: LockEntry): Promise<void>;
  entries(): readonly (readonly [string, LockEntry])[];
}

/** Reads the lock file; a missing one is empty. @throws MusterError `unavailable` for one that cannot be read. */
export async function openDigestLock(file: string): Promise<DigestLock> {
  const entries = new Map(Object.entries(await read(file)));
  let writing: Promise<void> = Promise.resolve();
  const write = (): Promise<void> => {
    const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
    const text = JSON.stringify({ lock: 1, files: Object.fromEntries(sorted) }, undefined, 2);
    return writeWhole(file, `${text}\n`);
  };
  const record = async (key: string, entry: LockEntry): Promise<void> => {
    if (entries.has(key)) {
      // Whoever recorded it may still be writing.
      await writing;
      return;
    }
    entries.set(key, entry);
    const turn = writing.then(write);
    writing = turn.catch(() => undefined);
    await turn;
  };
  return { file, get: (key) => entries.get(key), record, entries: () => [...entries] };
}

async function read(file: string): Promise<Readonly<Record<string, LockEntry>>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new MusterError("unavailable", `cannot read ${path.resolve(file)}: ${(error as Error).message}`);
  }
  try {
    return lockSchema.parse(JSON.parse(text)).files;
  } catch (cause) {
    const fix = "put the last good copy in its place, or move it away to have every checksum recorded anew";
    throw new MusterError("unavailable", `${path.resolve(file)} is damaged: ${fix}`, { cause });
  }
}
