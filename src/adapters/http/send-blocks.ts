/** Writes a stretch of a file to a client as fast as that client reads, from shared blocks. */
import type { ServerResponse } from "node:http";
import { BLOCK_BYTES, type BlockReader } from "./block-cache.ts";

export interface Transfer {
  readonly response: ServerResponse;
  readonly reader: BlockReader;
  readonly start: number;
  /** Last byte, inclusive. */
  readonly end: number;
}

/** Blocks handed to a socket at once when they are in memory: fewer wake-ups, and no memory of their own. */
const BATCH = 16;

/** Resolves when everything was handed over or the client is gone; a file that changed cuts the connection. */
export async function sendBlocks({ response, reader, start, end }: Transfer): Promise<void> {
  let offset = start;
  try {
    while (offset <= end && !response.destroyed) {
      response.cork();
      for (let count = 0; count < BATCH && offset <= end; count += 1) {
        const block = Math.floor(offset / BLOCK_BYTES);
        const bytes = reader.held(block) ?? (count === 0 ? await reader.read(block) : undefined);
        if (bytes === undefined) break;
        const from = offset - block * BLOCK_BYTES;
        const to = Math.min(bytes.length, end + 1 - block * BLOCK_BYTES);
        response.write(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
        offset += to - from;
      }
      response.uncork();
      if (offset <= end && response.writableNeedDrain) await drained(response);
    }
    response.end();
  } catch {
    response.destroy();
  } finally {
    await reader.close();
  }
}

/** Waits until the client has taken what was written, or has gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}
