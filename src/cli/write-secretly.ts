/** Downloads that hold secrets. */
import { open, rename, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Writes a stream to a file that only its owner reads, and that is there whole or not at all. */
export async function writeSecretly(stream: Readable, target: string): Promise<void> {
  const partial = `${target}.partial`;
  try {
    const handle = await open(partial, "w", 0o600);
    await pipeline(stream, handle.createWriteStream({ flush: true }));
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
