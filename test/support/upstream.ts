/**
 * The way from a namespace without any route to the archive: a small HTTP proxy on the host's side listens on a unix socket,
 * which crosses namespaces, and a relay inside turns a TCP port into that socket. Packages, which never change under their
 * name, are kept in the user's cache, so that one run does not fetch what another has.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import path from "node:path";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { cacheDirectory } from "./cache.ts";
import type { Namespace } from "./netns.ts";

const RELAY_PORT = 3128;
/** Files of a package pool: name and version are one, so a kept copy is the file. */
const PACKAGE = /\/pool\/.*\.(deb|udeb)$/;

/** Proxy and relay of one namespace. */
export class Upstream {
  /** The proxy as programs inside the namespace reach it. */
  readonly proxyUrl = `http://127.0.0.1:${RELAY_PORT}`;
  readonly #server: Server;
  #refusing = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Opens the proxy on a socket in the directory and the relay in the namespace. */
  static async open(namespace: Namespace, directory: string): Promise<Upstream> {
    const socket = path.join(directory, "upstream.sock");
    await rm(socket, { force: true });
    const server = createServer();
    const upstream = new Upstream(server);
    server.on("request", (incoming, outgoing) => void upstream.#answer(incoming, outgoing));
    server.on("connect", (incoming: IncomingMessage, client: Duplex) => upstream.#tunnel(incoming, client));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    server.unref();
    const relay = namespace.spawnNode(path.join(import.meta.dirname, "relay.ts"), [
      String(RELAY_PORT),
      socket,
    ]);
    await relay.waitFor(/listening/, 60_000);
    return upstream;
  }

  /** From now on the archive is out of reach: every request is answered 503. */
  refuse(): void {
    this.#refusing = true;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** An archive behind HTTPS: the bytes pass through unseen. */
  #tunnel(incoming: IncomingMessage, client: Duplex): void {
    const target = URL.parse(`tcp://${incoming.url ?? ""}`);
    if (!target || this.#refusing) {
      client.end("HTTP/1.1 503 Service Unavailable\r\n\r\n");
      return;
    }
    const upstream = connect(Number(target.port || 443), target.hostname, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.pipe(upstream).pipe(client);
    });
    upstream.on("error", () => client.destroy());
    client.on("error", () => upstream.destroy());
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const url = URL.parse(incoming.url ?? "");
    if (url?.protocol !== "http:" || this.#refusing) {
      outgoing.writeHead(this.#refusing ? 503 : 400).end();
      return;
    }
    try {
      if (incoming.method === "GET" && PACKAGE.test(url.pathname) && incoming.headers.range === undefined) {
        await sendKept(url, outgoing);
      } else {
        await passOn(url, incoming, outgoing);
      }
    } catch (error) {
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(502).end(String(error));
    }
  }
}

/** Sends a package from the cache, fetching it first where it is not there. */
async function sendKept(url: URL, outgoing: ServerResponse): Promise<void> {
  const file = path.join(cacheDirectory(), "lab", "pool", url.host, decodeURIComponent(url.pathname));
  const size = await stat(file).then(
    (found) => found.size,
    () => fetchInto(url, file),
  );
  if (size === undefined) {
    outgoing.writeHead(404).end();
    return;
  }
  outgoing.writeHead(200, { "content-length": size, "content-type": "application/octet-stream" });
  await pipeline(createReadStream(file), outgoing);
}

/** Fetches a file whole; resolves to its size, or to undefined where the upstream has none. */
async function fetchInto(url: URL, file: string): Promise<number | undefined> {
  const answer = await ask(url, { method: "GET" });
  if (answer.statusCode === 404) return void answer.resume();
  if (answer.statusCode !== 200) throw new Error(`${url.href} answers ${String(answer.statusCode)}`);
  await mkdir(path.dirname(file), { recursive: true });
  const part = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await pipeline(answer, createWriteStream(part));
  const { size } = await stat(part);
  if (size !== Number(answer.headers["content-length"] ?? size)) throw new Error(`${url.href} was cut short`);
  await rename(part, file);
  return size;
}

async function passOn(url: URL, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const headers = { ...incoming.headers, host: url.host, connection: "close" };
  const answer = await ask(url, { method: incoming.method ?? "GET", headers });
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
  await pipeline(answer, outgoing);
}

function ask(
  url: URL,
  options: { method: string; headers?: IncomingMessage["headers"] },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { ...options, timeout: 60_000 }, resolve)
      .on("error", reject)
      .end();
  });
}

/** Whether something accepts connections on a unix socket. */
export function isListening(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => {
      connection.destroy();
      resolve(true);
    });
    connection.on("error", () => resolve(false));
  });
}
