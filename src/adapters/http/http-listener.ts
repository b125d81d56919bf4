/** One HTTP server on a port or on a unix socket: its start with errors people can act on, its stop within a deadline. */
import { once } from "node:events";
import { chmod, rm } from "node:fs/promises";
import type { Server } from "node:http";
import type { Server as SecureServer } from "node:https";
import { connect } from "node:net";
import { ConflictError, MusterError } from "../../domain/errors.ts";
import type { ListenerStatus, Log, Service } from "../../services/ports.ts";
import { tcpPortHolder } from "../network/port-holder.ts";

/** Where to listen: a TCP port on every address, or a unix socket with its file mode. */
export type HttpEndpoint =
  | { readonly kind: "port"; readonly port: number; readonly setting: string }
  | { readonly kind: "socket"; readonly path: string; readonly mode: number };

export interface HttpListenerOptions {
  readonly name: string;
  readonly server: Server | SecureServer;
  readonly endpoint: HttpEndpoint;
  readonly log: Log;
  /** How long requests under way may take at the stop, in milliseconds. */
  readonly drainMs: number;
}

export class HttpListener implements Service {
  readonly #options: HttpListenerOptions;
  #status: ListenerStatus;

  constructor(options: HttpListenerOptions) {
    this.#options = options;
    this.#status = { name: options.name, state: "off" };
  }

  status(): ListenerStatus {
    return this.#status;
  }

  /** The port that was opened, also when the configured one is 0. Undefined on a unix socket or before the start. */
  get port(): number | undefined {
    const address = this.#options.server.address();
    return typeof address === "object" && address ? address.port : undefined;
  }

  /** @throws ConflictError naming the holder of a taken port; MusterError `unavailable` for a missing right. */
  async start(): Promise<void> {
    const { server, endpoint, name, log } = this.#options;
    if (server.listening) return;
    if (endpoint.kind === "socket") await clearSocket(endpoint.path);
    const listening = once(server, "listening");
    if (endpoint.kind === "port") server.listen(endpoint.port);
    else bindClosed(server, endpoint.path);
    await listening.catch(async (error: unknown) => {
      throw await explain(error, endpoint);
    });
    if (endpoint.kind === "socket") await chmod(endpoint.path, endpoint.mode);
    const where = endpoint.kind === "port" ? `port ${this.port ?? endpoint.port}/tcp` : endpoint.path;
    this.#status = { name, state: "listening", endpoints: [where] };
    log.info({ listener: name, endpoint: where }, "HTTP listens");
  }

  /** Takes no new connections, lets requests under way end, then cuts what is left. */
  async stop(): Promise<void> {
    const { server, drainMs, name } = this.#options;
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeIdleConnections();
    const cut = setTimeout(() => server.closeAllConnections(), drainMs);
    await closed;
    clearTimeout(cut);
    this.#status = { name, state: "off" };
  }
}

/** The bind happens inside listen(): with this umask nobody else can open the socket even for a moment. */
function bindClosed(server: Server | SecureServer, path: string): void {
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
}

/** A socket file left by a killed process is removed; one that somebody serves is left alone. */
async function clearSocket(path: string): Promise<void> {
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
  if (answered) {
    throw new ConflictError(`another appliance serves ${path}: stop it, or give this one another dataDir`);
  }
  await rm(path, { force: true });
}

async function explain(error: unknown, endpoint: HttpEndpoint): Promise<MusterError> {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (endpoint.kind === "socket") {
    return new MusterError("unavailable", `cannot listen on ${endpoint.path}: ${String(error)}`, {
      cause: error,
    });
  }
  const { port, setting } = endpoint;
  if (code === "EADDRINUSE") {
    const holder = (await tcpPortHolder(port)) ?? "another process";
    return new ConflictError(
      `TCP port ${port} is taken by ${holder}: stop it, or choose another ${setting}.`,
    );
  }
  const advice =
    code === "EACCES"
      ? `choose a ${setting} of 1024 or more, or start with the right to bind it`
      : String(error);
  return new MusterError("unavailable", `cannot listen on TCP port ${port}: ${advice}`, { cause: error });
}
