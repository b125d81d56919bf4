/** The control plane's two doors: HTTPS for the network, a unix socket for the appliance's own host. */
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { ListenerStatus, Log, Service } from "../../services/ports.ts";
import type { ServerCredentials } from "../pki/server-certificate.ts";
import { HttpListener } from "./http-listener.ts";

const RENEWAL_CHECK_MS = 6 * 3_600_000;
const DRAIN_MS = 3000;
const OWNER_ONLY = 0o600;

export interface ControlServerOptions {
  readonly port: number;
  readonly socketPath: string;
  /** The app behind HTTPS: callers have tokens or certificates. */
  readonly overHttps: RequestListener;
  /** The app behind the unix socket: whoever can open it is admin. */
  readonly overSocket: RequestListener;
  /** Certificate of the authority that signs machines' certificates, as PEM. */
  readonly authority: string;
  /** The present key and certificate; asked again from time to time, so that it can be renewed. */
  readonly credentials: () => Promise<ServerCredentials>;
  readonly log: Log;
}

interface Doors {
  readonly https: HttpListener;
  readonly socket: HttpListener;
  readonly renewal: NodeJS.Timeout;
}

export class ControlServer implements Service {
  readonly #options: ControlServerOptions;
  #doors: Doors | undefined;

  constructor(options: ControlServerOptions) {
    this.#options = options;
  }

  /** The port that HTTPS listens on, also when the configured one is 0; undefined before the start. */
  get port(): number | undefined {
    return this.#doors?.https.port;
  }

  /** What became of each door. */
  status(): readonly ListenerStatus[] {
    const { https, socket } = this.#doors ?? {};
    return [
      https?.status() ?? { name: "https", state: "off" },
      socket?.status() ?? { name: "socket", state: "off" },
    ];
  }

  /** @throws ConflictError when the port or the socket is taken; MusterError `unavailable` for a missing right. */
  async start(): Promise<void> {
    if (this.#doors) return;
    const { log, port, socketPath, overSocket } = this.#options;
    const secure = await this.#secureServer();
    const https = new HttpListener({
      name: "https",
      server: secure,
      endpoint: { kind: "port", port, setting: "https.port" },
      log,
      drainMs: DRAIN_MS,
    });
    const socket = new HttpListener({
      name: "socket",
      server: patienceLimited(createHttpServer(overSocket)),
      endpoint: { kind: "socket", path: socketPath, mode: OWNER_ONLY },
      log,
      drainMs: DRAIN_MS,
    });
    // The socket goes first: it is what tells that another appliance runs on the same data.
    await socket.start();
    try {
      await https.start();
    } catch (error) {
      await socket.stop();
      throw error;
    }
    const renewal = setInterval(() => void this.#renew(secure), RENEWAL_CHECK_MS).unref();
    this.#doors = { https, socket, renewal };
  }

  /** Stops accepting, gives answers under way a moment, then cuts them off. */
  async stop(): Promise<void> {
    const doors = this.#doors;
    if (!doors) return;
    this.#doors = undefined;
    clearInterval(doors.renewal);
    await Promise.all([doors.https.stop(), doors.socket.stop()]);
  }

  async #secureServer(): Promise<HttpsServer> {
    const { authority, overHttps, credentials } = this.#options;
    const { key, chain } = await credentials();
    return patienceLimited(
      createHttpsServer(
        // Certificates are asked for but not demanded: browsers and tokens have none, /node/v1 checks for itself.
        {
          key,
          cert: chain,
          ca: authority,
          requestCert: true,
          rejectUnauthorized: false,
          minVersion: "TLSv1.2",
        },
        overHttps,
      ),
    );
  }

  async #renew(server: HttpsServer): Promise<void> {
    const { authority, credentials, log } = this.#options;
    try {
      const { key, chain, fresh } = await credentials();
      if (!fresh) return;
      server.setSecureContext({ key, cert: chain, ca: authority, minVersion: "TLSv1.2" });
      log.info({}, "the control plane's certificate was renewed");
    } catch (error) {
      log.error({ err: error }, "the control plane's certificate cannot be renewed");
    }
  }
}

/** Slow or silent clients do not hold connections for ever. */
function patienceLimited<S extends HttpServer | HttpsServer>(server: S): S {
  server.headersTimeout = 15_000;
  server.requestTimeout = 60_000;
  server.keepAliveTimeout = 65_000;
  return server;
}
