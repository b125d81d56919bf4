/** Files by path over HTTP, every request on record: the upstream of released files in tests. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { LoopbackServer } from "./loopback-server.ts";

export class FileServer extends LoopbackServer {
  readonly files = new Map<string, Buffer>();
  readonly requests: string[] = [];
  /** Answers a request itself and returns true; false leaves it to the server. */
  interference: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;

  protected override answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent((request.url ?? "/").slice(1));
    this.requests.push(path);
    if (this.interference?.(request, response) === true) return;
    const file = this.files.get(path);
    if (!file) response.writeHead(404).end("no such file\n");
    else response.writeHead(200, { "Content-Length": file.length }).end(file);
  }
}
