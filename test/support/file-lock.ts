/** A lock between processes that the kernel gives back when its holder dies: util-linux' flock, held by a child that ends with us. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import path from "node:path";

/**
 * Runs the work while no other process holds the lock on the file, and waits for its turn as long as it takes.
 * @param waiting called once when another process holds the lock
 */
export async function withFileLock<T>(
  file: string,
  work: () => Promise<T>,
  waiting?: () => void,
): Promise<T> {
  await mkdir(path.dirname(file), { recursive: true });
  const holder = spawn("flock", ["--exclusive", file, "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const late = setTimeout(() => waiting?.(), 1000);
  try {
    const held = await Promise.race([
      once(holder.stdout, "data").then(() => true),
      once(holder, "close").then(() => false),
    ]);
    if (!held)
      throw new Error(`the lock ${file} could not be taken: flock ended with ${String(holder.exitCode)}`);
    clearTimeout(late);
    return await work();
  } finally {
    clearTimeout(late);
    holder.stdin.end();
  }
}
