/** Downloads that hold secrets. */
import { open, rename, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileReason } from "../config/file-reason.ts";
import { UsageError } from "./exit.ts";

/**
 * Writes a stream to a file that only its owner reads, and that is there whole or not at all.
 * @throws UsageError when the file cannot be made; what the stream throws.
 */
export async function writeSecretly(stream: Readable, target: string): Promise<void> {
  const partial = `${target}.partial`;
  const handle = await open(partial, "w", 0o600).catch((error: unknown) => {
    stream.destroy();
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new UsageError(
      `cannot write ${target}: ${missing ? "its directory does not exist" : fileReason(error)}`,
    );
  });
  try {
    await pipeline(stream, handle.createWriteStream({ flush: true }));
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
