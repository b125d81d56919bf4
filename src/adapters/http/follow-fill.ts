/** Sends a download to a client while it is still arriving. */
import { type FileHandle, open } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import type { Fill } from "../assets/fill.ts";

const CHUNK_BYTES = 256 * 1024;

export interface Following {
  readonly response: ServerResponse;
  readonly fill: Fill;
  readonly total: number;
}

/**
 * Follows a fill to its end. The last byte leaves after the whole was verified; a file that turns out to be wrong ends
 * in a cut connection, which every client takes for the failure it is.
 */
export async function followFill({ response, fill, total }: Following): Promise<void> {
  const { restarts } = fill.progress();
  let file: FileHandle | undefined;
  let sent = 0;
  try {
    while (sent < total && !response.destroyed) {
      const progress = fill.progress();
      if (progress.restarts !== restarts) throw new Error("the download began anew");
      if (progress.state === "failed") throw new Error("the download failed");
      const ready = progress.state === "done" ? total : Math.min(progress.written, total - 1);
      if (sent >= ready) {
        await change(fill, response);
        continue;
      }
      file ??= await openPart(fill);
      sent += await copyOnce({ file, response, from: sent, to: ready });
    }
    response.end();
  } catch {
    response.destroy();
  } finally {
    await file?.close();
  }
}

/** The part file, or the finished object when it was renamed in between. */
async function openPart(fill: Fill): Promise<FileHandle> {
  try {
    return await open(fill.partPath, "r");
  } catch {
    return open(await fill.done, "r");
  }
}

interface CopyOnce {
  readonly file: FileHandle;
  readonly response: ServerResponse;
  readonly from: number;
  readonly to: number;
}

async function copyOnce({ file, response, from, to }: CopyOnce): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, to - from));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
  if (bytesRead === 0) throw new Error("the download became shorter");
  const roomLeft = response.write(buffer.subarray(0, bytesRead));
  if (!roomLeft) await firstOf(response, ["drain", "close"]);
  return bytesRead;
}

/** Resolves when the fill grew, began anew or ended, or when the client went away. */
function change(fill: Fill, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stop();
      response.off("close", done);
      resolve();
    };
    const stop = fill.onProgress(done);
    response.on("close", done);
  });
}

function firstOf(response: ServerResponse, events: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of events) response.off(event, done);
      resolve();
    };
    for (const event of events) response.on(event, done);
  });
}
