/** A small HTTP server in the place of the appliance: answers by a table of routes and keeps what it was asked. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeAnswer {
  readonly status?: number;
  /** Sent as JSON, unless it is a string. */
  readonly body?: unknown;
  readonly contentType?: string;
}

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

/** `GET machines` or `POST machines/kube0/reimage`, without the query; a list answers one after the other. */
export type FakeRoutes = Readonly<
  Record<string, FakeAnswer | readonly FakeAnswer[] | ((request: ReceivedRequest) => FakeAnswer)>
>;

export class FakeApi {
  readonly requests: ReceivedRequest[] = [];
  readonly #routes: FakeRoutes;
  readonly #server: Server;
  readonly #turns = new Map<string, number>();

  constructor(routes: FakeRoutes) {
    this.#routes = routes;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Listens on a unix socket. */
  async listenOn(socketPath: string): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(socketPath, resolve));
  }

  /** Listens on a free port of the loopback address and returns the address. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const path = (request.url ?? "").replace("/api/v1/", "");
    const received: ReceivedRequest = {
      method: request.method ?? "",
      path,
      headers: request.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
    this.requests.push(received);
    const answer = this.#answer(`${received.method} ${path.split("?")[0] ?? ""}`, received);
    const body = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    response.writeHead(answer.status ?? 200, { "Content-Type": answer.contentType ?? "application/json" });
    response.end(answer.body === undefined ? undefined : body);
  }

  #answer(key: string, request: ReceivedRequest): FakeAnswer {
    const route = this.#routes[key];
    if (route === undefined)
      return { status: 404, body: { code: "not-found", detail: `nothing answers ${key}` } };
    if (typeof route === "function") return route(request);
    if (!Array.isArray(route)) return route as FakeAnswer;
    const turn = this.#turns.get(key) ?? 0;
    this.#turns.set(key, turn + 1);
    return (route as readonly FakeAnswer[])[Math.min(turn, route.length - 1)] ?? {};
  }
}
