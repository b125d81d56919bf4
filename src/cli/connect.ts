/** Finds the appliance: an address that was given, or the unix socket of the one on this host. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { ApiClient } from "../adapters/client/api-client.ts";
import type { Endpoint } from "../adapters/client/endpoint.ts";
import { fileReason } from "../config/file-reason.ts";
import { UsageError } from "./exit.ts";
import type { GlobalOptions } from "./global-options.ts";
import { loadAppliedConfig } from "./load-config.ts";
import type { Terminal } from "./terminal.ts";

/** State directory of the packaged service: tried when the configuration found here is not that service's. */
const SERVICE_SOCKET = "/var/lib/muster/muster.sock";
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * A client for the appliance that was meant.
 * @throws UsageError when the address or its credentials cannot be used, ConfigError when the configuration cannot.
 */
export function connect(terminal: Terminal, options: GlobalOptions): ApiClient {
  const address = options.url ?? given(terminal, "MUSTER_URL");
  const endpoint =
    address === undefined ? localSocket(terminal, options) : remote(address, terminal, options);
  return new ApiClient(endpoint, terminal.interrupted);
}

function localSocket(terminal: Terminal, options: GlobalOptions): Endpoint {
  const { config } = loadAppliedConfig(terminal, options);
  const configured = path.join(config.dataDir, "muster.sock");
  return {
    kind: "socket",
    path: !existsSync(configured) && existsSync(SERVICE_SOCKET) ? SERVICE_SOCKET : configured,
  };
}

function remote(address: string, terminal: Terminal, options: GlobalOptions): Endpoint {
  const url = parseUrl(address);
  const token = tokenOf(terminal, options);
  const ca = options.ca ?? given(terminal, "MUSTER_CA");
  if (url.protocol === "http:" && token !== undefined && !LOOPBACK.has(url.hostname)) {
    throw new UsageError(
      `a token is not sent to ${url.origin}: use https, so that nobody on the way can read it`,
    );
  }
  return {
    kind: "url",
    url,
    ...(token !== undefined && { token }),
    ...(ca !== undefined && { ca: certificateIn(ca, terminal) }),
  };
}

function parseUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && (url.protocol === "https:" || url.protocol === "http:")) return url;
  throw new UsageError(`"${address}" is no address of an appliance; write it like https://10.0.0.2:8443`);
}

function tokenOf(terminal: Terminal, options: GlobalOptions): string | undefined {
  const file = options.tokenFile ?? given(terminal, "MUSTER_TOKEN_FILE");
  if (options.tokenFile === undefined) {
    const token = given(terminal, "MUSTER_TOKEN");
    if (token !== undefined) return token.trim();
  }
  return file === undefined ? undefined : readText(file, "the token", terminal).trim();
}

function given(terminal: Terminal, variable: string): string | undefined {
  const value = terminal.environment[variable];
  return value === "" ? undefined : value;
}

function certificateIn(file: string, terminal: Terminal): string {
  const text = readText(file, "the CA", terminal);
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new UsageError(
    `${file} holds no certificate; the appliance's CA is pki/ca.crt in its data directory`,
  );
}

function readText(file: string, what: string, terminal: Terminal): string {
  try {
    return readFileSync(path.resolve(terminal.workingDirectory, file), "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${what} from ${file}: ${fileReason(error)}`);
  }
}
