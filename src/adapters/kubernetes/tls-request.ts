/** One HTTPS request to a server that is known by its authority: bounded in time and size, on a connection of its own. */
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { TLSSocket } from "node:tls";

/** A client certificate, its key and the authority it expects, all PEM. */
export interface ClientCredentials {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export interface TlsRequest {
  readonly address: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly credentials: ClientCredentials;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  /** Goes on where the certificate does not fit, for a caller that looks at it. */
  readonly anyCertificate?: true;
}

export interface TlsAnswer {
  readonly status: number;
  readonly text: string;
  /** Why the certificate was not accepted; only where any is. */
  readonly certificateFault?: CertificateFault;
}

export interface CertificateFault {
  /** OpenSSL's or Node's name for it, like `SELF_SIGNED_CERT_IN_CHAIN`. */
  readonly code: string;
  readonly issuer: string;
}

/** A list of every pod of a large cluster stays below this. */
const MAX_BYTES = 256 * 1024 * 1024;
/** On a LAN a host that is there accepts within milliseconds; one that is gone must not cost the whole time limit. */
const CONNECT_MS = 2000;

/** Sends a request and resolves with the whole answer; rejects with the connection's own error. */
export async function tlsRequest(options: TlsRequest): Promise<TlsAnswer> {
  const opened = await openTls(options);
  const { response } = opened;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new TypeError(`the answer is longer than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  const fault = opened.certificateFault;
  return {
    status: response.statusCode ?? 0,
    text: Buffer.concat(chunks).toString("utf8"),
    ...(fault ? { certificateFault: fault } : {}),
  };
}

/** Sends a request and resolves at the answer's head; the body is read by the caller within the same time limit. */
export function openTls(
  options: TlsRequest,
): Promise<{ readonly response: IncomingMessage; readonly certificateFault?: CertificateFault }> {
  const { credentials, body } = options;
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(options.timeoutMs);
    const outgoing = request({
      host: options.address,
      port: options.port,
      method: options.method,
      path: options.path,
      ca: credentials.authority,
      cert: credentials.certificate,
      key: credentials.key,
      agent: false,
      signal,
      rejectUnauthorized: options.anyCertificate !== true,
      headers: {
        accept: "application/json",
        ...(body === undefined
          ? {}
          : {
              "content-type": options.contentType ?? "application/json",
              "content-length": Buffer.byteLength(body),
            }),
      },
    });
    let fault: CertificateFault | undefined;
    outgoing.once("socket", (socket) => {
      const slow = setTimeout(() => {
        outgoing.destroy(new TypeError(`no connection within ${CONNECT_MS / 1000} s`));
      }, CONNECT_MS);
      socket.once("close", () => {
        clearTimeout(slow);
      });
      socket.once("secureConnect", () => {
        clearTimeout(slow);
        fault = socket instanceof TLSSocket ? faultOf(socket) : undefined;
      });
    });
    outgoing.on("error", (error) => {
      reject(signal.aborted ? new TypeError(`no answer within ${options.timeoutMs / 1000} s`) : error);
    });
    outgoing.once("response", (response) => {
      resolve(fault ? { response, certificateFault: fault } : { response });
    });
    outgoing.end(body);
  });
}

function faultOf(socket: TLSSocket): CertificateFault | undefined {
  if (socket.authorized) return undefined;
  // Its declared type is Error; Node gives the code as a text where the chain is at fault.
  const error: unknown = socket.authorizationError;
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : error;
  const issuer = socket.getPeerX509Certificate()?.issuer ?? "";
  return { code: typeof code === "string" ? code : "", issuer: issuer.replaceAll("\n", ", ") };
}

/** A connection error as a person reads it. */
export function connectionFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: "refuses the connection",
    ECONNRESET: "closes the connection",
    EHOSTUNREACH: "is not reachable",
    ENETUNREACH: "is on no network of this host",
    EPROTO: "does not speak TLS",
  };
  return (code === undefined ? undefined : known[code]) ?? error.message;
}
