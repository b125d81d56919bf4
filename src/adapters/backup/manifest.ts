/** The first file of a backup: what it holds, and by which checksums. */
import { z } from "zod";

export const MANIFEST = "muster-backup.json";
export const DATABASE = "muster.db";
/** Directory of the authority and the appliance's keys. */
export const PKI = "pki";
/** Checksums of released files, as they were first pulled. */
export const COMPONENT_LOCK = "components.lock.json";
/** The first admin token, where it still lies. */
export const ADMIN_TOKEN = "admin-token";

/** Whether a backup may hold a file of this name: nothing leads out of the data directory. */
export function isBackedUp(name: string): boolean {
  const inRoot = [DATABASE, ADMIN_TOKEN, COMPONENT_LOCK].includes(name);
  return inRoot || /^pki\/[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name);
}

export const manifestSchema = z.object({
  format: z.literal(1),
  /** Epoch milliseconds. */
  createdAt: z.int(),
  files: z
    .array(
      z.object({
        name: z.string().refine(isBackedUp, "this is no file of a backup"),
        size: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .refine((files) => files.some(({ name }) => name === DATABASE), "the database is missing"),
});

export type BackupManifest = z.output<typeof manifestSchema>;
