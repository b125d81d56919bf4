import type { IncomingMessage } from "node:http";
import { MusterError } from "../../domain/errors.ts";

/** A whole response body. @throws MusterError `upstream-failed` when it is cut short or larger than `maxBytes`. */
export async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) throw new Error(`more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new MusterError("upstream-failed", `the answer could not be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  return Buffer.concat(chunks);
}
