/** Files by path over HTTP, every request on record: the upstream of released files in tests. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export class FileServer {
  readonly files = new Map<string, Buffer>();
  readonly requests: string[] = [];
  /** Answers a request itself and returns true; false leaves it to the server. */
  interference: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const path = decodeURIComponent((request.url ?? "/").slice(1));
      this.requests.push(path);
      if (this.interference?.(request, response) === true) return;
      const file = this.files.get(path);
      if (!file) response.writeHead(404).end("no such file\n");
      else response.writeHead(200, { "Content-Length": file.length }).end(file);
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.#server.unref();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
}
