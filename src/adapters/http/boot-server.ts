/** The HTTP server of the boot plane with the patience that boot firmware needs. */
import { createServer, type RequestListener, type Server } from "node:http";

/** Firmware keeps a connection idle for over a minute between two files (H-05). */
const KEEP_ALIVE_MS = 120_000;
const HEADERS_MS = 30_000;
/** A transfer without a byte of progress for this long is cut, and its descriptor freed (H-11). */
const STALLED_MS = 120_000;

/** An unstarted server; HTTP/1.0 and HTTP/1.1 clients, kept alive where they can be. */
export function createBootServer(listener: RequestListener): Server {
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: HEADERS_MS, noDelay: true },
    listener,
  );
  server.requestTimeout = KEEP_ALIVE_MS;
  server.timeout = STALLED_MS;
  return server;
}
