/** What tags meant when their registry was last asked: one small file for each, so that a restart forgets nothing. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { isDigest } from "../../domain/images/reference.ts";
import { writeWhole } from "../assets/write-whole.ts";

const recordSchema = z.object({
  /** `registry.k8s.io/pause:3.10.2` */
  image: z.string(),
  digest: z.string().refine(isDigest),
  bytes: z.int().min(0),
  /** Epoch milliseconds of the last answer of the registry. */
  checkedAt: z.number(),
});

export type TagRecord = z.output<typeof recordSchema>;

export interface TagRecords {
  get(image: string): TagRecord | undefined;
  put(record: TagRecord): Promise<void>;
  remove(image: string): Promise<void>;
  all(): readonly TagRecord[];
}

/** Reads all records; a damaged one counts as absent, the registry will be asked again. */
export async function openTagRecords(directory: string): Promise<TagRecords> {
  await mkdir(directory, { recursive: true });
  const records = new Map<string, TagRecord>();
  for (const name of await readdir(directory)) {
    const record = name.endsWith(".json") ? await readRecord(path.join(directory, name)) : undefined;
    if (record) records.set(record.image, record);
  }
  const fileOf = (image: string): string =>
    path.join(directory, `${createHash("sha256").update(image).digest("hex")}.json`);
  return {
    get: (image) => records.get(image),
    put: async (record) => {
      records.set(record.image, record);
      await writeWhole(fileOf(record.image), JSON.stringify(record));
    },
    remove: async (image) => {
      records.delete(image);
      await rm(fileOf(image), { force: true });
    },
    all: () => [...records.values()],
  };
}

async function readRecord(file: string): Promise<TagRecord | undefined> {
  try {
    return recordSchema.safeParse(JSON.parse(await readFile(file, "utf8"))).data;
  } catch {
    return undefined;
  }
}
