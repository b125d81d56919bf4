/**
 * Requests to an archive: keep-alive connections, Basic authentication, redirects, and an HTTP proxy in between
 * (absolute request targets for http archives, CONNECT tunnels for https ones, RFC 9110 section 9.3.6).
 */
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import tls from "node:tls";
import { MusterError } from "../../domain/errors.ts";

export interface UpstreamRequest {
  /** Path relative to the archive's address, without a leading slash. */
  readonly path: string;
  /** What follows the question mark, already encoded. */
  readonly query?: string;
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  /** Credentials of this request; like the configured ones they never leave for another server by a redirect. */
  readonly authorization?: string;
  readonly signal?: AbortSignal;
}

/** An archive somewhere else. */
export interface Upstream {
  /** Its address without credentials, for messages. */
  readonly address: string;
  /**
   * Asks for one file. Resolves with the response head, whatever its status; the caller reads or destroys the body.
   * @throws MusterError `upstream-failed` when nothing answers.
   */
  get(request: UpstreamRequest): Promise<IncomingMessage>;
  close(): void;
}

export interface UpstreamOptions {
  readonly url: string;
  readonly proxy?: string;
  readonly username?: string;
  readonly password?: string;
  /** Silence after which a connection is given up, milliseconds. */
  readonly timeoutMs?: number;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 5;

/** Connects to the archive at `url`; nothing is sent before the first request. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const base = new URL(options.url.endsWith("/") ? options.url : `${options.url}/`);
  const authorization = basic(
    options.username ?? decodeURIComponent(base.username),
    options.password ?? decodeURIComponent(base.password),
  );
  base.username = "";
  base.password = "";
  const transport = createTransport(options);
  const get = async (request: UpstreamRequest): Promise<IncomingMessage> => {
    // Joined as text: as a relative reference a path such as `//host/` would leave the archive.
    let target = new URL(base.href + request.path.split("/").map(encodeSegment).join("/"));
    if (request.query !== undefined) target.search = request.query;
    const credentials = request.authorization ?? authorization;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
      const own = target.origin === base.origin && credentials !== undefined;
      const headers = { ...request.headers, ...(own && { Authorization: credentials }) };
      const response = await transport.send(target, { ...request, headers });
      const location = REDIRECTS.has(response.statusCode ?? 0) ? response.headers.location : undefined;
      if (location === undefined) return response;
      response.resume();
      target = new URL(location, target);
      if (!/^https?:$/.test(target.protocol)) break;
    }
    throw new MusterError("upstream-failed", `${base.href} redirects without an end`);
  };
  return { address: base.href.replace(/\/$/, ""), get, close: transport.close };
}

/** An archive that is never asked: every request fails with the reason. */
export function createAbsentUpstream(reason: string): Upstream {
  const get = (): Promise<never> => Promise.reject(new MusterError("upstream-failed", reason));
  return { address: "the archive", get, close: () => undefined };
}

interface Transport {
  readonly send: (
    url: URL,
    request: Pick<UpstreamRequest, "method" | "headers" | "signal">,
  ) => Promise<IncomingMessage>;
  readonly close: () => void;
}

function createTransport({ proxy, timeoutMs = 30_000 }: UpstreamOptions): Transport {
  const via = proxy === undefined ? undefined : new URL(proxy);
  const plain = new http.Agent({ keepAlive: true, maxSockets: 16, timeout: timeoutMs });
  const secure = new https.Agent({ keepAlive: true, maxSockets: 16, timeout: timeoutMs });
  const proxyAuthorization = via && basic(decodeURIComponent(via.username), decodeURIComponent(via.password));
  const proxyHeaders = proxyAuthorization === undefined ? {} : { "Proxy-Authorization": proxyAuthorization };
  const send: Transport["send"] = async (url, { method = "GET", headers, signal }) => {
    const common = {
      method,
      headers: { "User-Agent": "muster", ...headers },
      timeout: timeoutMs,
      ...(signal && { signal }),
    };
    if (!via) return exchange(url, { ...common, agent: url.protocol === "https:" ? secure : plain });
    if (url.protocol === "http:") {
      const forwarded = { ...common.headers, ...proxyHeaders, Host: url.host };
      const target = { path: url.href, host: via.hostname, port: via.port || 80 };
      return exchange(url, { ...common, ...target, headers: forwarded, agent: plain });
    }
    const socket = await tunnel({ via, url, proxyHeaders, timeoutMs });
    const secured = await handshake({ socket, url, timeoutMs });
    return exchange(url, { ...common, agent: false, createConnection: () => secured });
  };
  const close = (): void => {
    plain.destroy();
    secure.destroy();
  };
  return { send, close };
}

/**
 * One request; rejects with the address (never with credentials) and the cause. A connection that was kept open and that
 * the server has closed meanwhile is not the server's failure: the request goes out once more on a new one.
 */
function exchange(url: URL, options: https.RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const client = url.protocol === "https:" ? https : http;
    const viaProxy = options.host !== undefined;
    const request = viaProxy ? http.request(options) : client.request(url, options);
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", (cause: NodeJS.ErrnoException) => {
      if (request.reusedSocket && cause.code === "ECONNRESET") {
        resolve(exchange(url, options));
        return;
      }
      reject(new MusterError("upstream-failed", `cannot reach ${url.origin}: ${cause.message}`, { cause }));
    });
    request.on("response", (response) => {
      resolve(response);
    });
    request.end();
  });
}

interface TunnelOptions {
  readonly via: URL;
  readonly url: URL;
  readonly proxyHeaders: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

function tunnel({ via, url, proxyHeaders, timeoutMs }: TunnelOptions): Promise<Socket> {
  const authority = `${url.hostname}:${url.port || "443"}`;
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void =>
      reject(new MusterError("upstream-failed", `the proxy ${via.host} refuses ${authority}: ${reason}`));
    const request = http.request({
      host: via.hostname,
      port: via.port || 80,
      method: "CONNECT",
      path: authority,
      headers: { Host: authority, ...proxyHeaders },
      timeout: timeoutMs,
    });
    request.on("connect", (response, socket) => {
      if (response.statusCode === 200) {
        resolve(socket);
        return;
      }
      socket.destroy();
      fail(`status ${response.statusCode ?? 0}`);
    });
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", (error) => {
      fail(error.message);
    });
    request.end();
  });
}

/** TLS through the tunnel, before any request is written: a failure here has nobody else to hear it. */
function handshake({
  socket,
  url,
  timeoutMs,
}: {
  readonly socket: Socket;
  readonly url: URL;
  readonly timeoutMs: number;
}): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = tls.connect({ socket, servername: url.hostname });
    const fail = (cause: Error): void => {
      secured.destroy();
      reject(new MusterError("upstream-failed", `cannot reach ${url.origin}: ${cause.message}`, { cause }));
    };
    secured.setTimeout(timeoutMs, () => {
      fail(new Error("no answer in time"));
    });
    secured.on("error", fail);
    secured.once("secureConnect", () => {
      secured.setTimeout(0);
      resolve(secured);
    });
  });
}

function basic(username: string, password: string): string | undefined {
  if (username === "" && password === "") return undefined;
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Debian's file names hold `+` and `~`, which stay as they are; whatever has a meaning in a URL does not. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll("%2B", "+").replaceAll("%3A", ":");
}
