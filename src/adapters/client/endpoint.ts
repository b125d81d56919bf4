/** Where the appliance is reached, and what to say when it is not. */
import { UnreachableError } from "./api-error.ts";

/** The control plane's unix socket on the appliance's own host, or its HTTPS address from elsewhere. */
export type Endpoint =
  | { readonly kind: "socket"; readonly path: string }
  | {
      readonly kind: "url";
      readonly url: URL;
      readonly token?: string;
      /** PEM of the only CA that is believed; the system's CAs when left out. */
      readonly ca?: string;
    };

/** How the endpoint is named in messages. */
export function describeEndpoint(endpoint: Endpoint): string {
  return endpoint.kind === "socket" ? endpoint.path : endpoint.url.origin;
}

const START = "start it with `muster serve` or `systemctl start muster`";
const CERTIFICATE_UNKNOWN = new Set([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
]);

/** Turns an error of the socket or of TLS into one sentence and what to do about it. */
export function unreachable(endpoint: Endpoint, cause: unknown): UnreachableError {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  const { said, hint } =
    endpoint.kind === "socket" ? onSocket(endpoint.path, code) : onUrl(endpoint.url, code);
  return new UnreachableError(
    said ?? `cannot talk to the appliance at ${describeEndpoint(endpoint)}: ${message}`,
    {
      hint,
      cause,
    },
  );
}

interface Explanation {
  readonly said?: string;
  readonly hint: string;
}

function onSocket(path: string, code: string): Explanation {
  if (code === "ENOENT" || code === "ECONNREFUSED") {
    const seen = code === "ENOENT" ? `there is no ${path}` : `nobody listens on ${path}`;
    return {
      said: `the appliance is not running on this host: ${seen}`,
      hint: `${START}; for an appliance elsewhere give --url (or MUSTER_URL) and a token`,
    };
  }
  if (code === "EACCES" || code === "EPERM") {
    return {
      said: `no permission to use ${path}`,
      hint: "run this as the user that runs the appliance (or with sudo), or use --url and a token",
    };
  }
  return { hint: START };
}

function onUrl(url: URL, code: string): Explanation {
  if (code === "ECONNREFUSED") {
    return {
      said: `connection refused: the appliance is not running at ${url.origin}`,
      hint: `there, ${START}`,
    };
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return { said: `the name ${url.hostname} cannot be resolved`, hint: "check --url or MUSTER_URL" };
  }
  if (CERTIFICATE_UNKNOWN.has(code)) {
    return {
      said: `the certificate of ${url.origin} is not signed by a CA that is believed here`,
      hint: "give the appliance's own CA by --ca FILE or MUSTER_CA; `muster serve` prints where it lies",
    };
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return {
      said: `the certificate of ${url.origin} is made out to other names`,
      hint: "use one of its names, or add this one to https.names in muster.yaml",
    };
  }
  return { hint: "check --url, the firewall, and that the appliance runs" };
}
