/** Errors as registries write them (OCI distribution specification 1.1, "Error codes"). */
import type { ServerResponse } from "node:http";
import { MusterError, NotFoundError } from "../../domain/errors.ts";

/** Codes of the specification, and `UNAVAILABLE` as the reference implementation uses it. */
export type RegistryErrorCode =
  | "BLOB_UNKNOWN"
  | "DENIED"
  | "DIGEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "TAG_INVALID"
  | "TOOMANYREQUESTS"
  | "UNAUTHORIZED"
  | "UNAVAILABLE"
  | "UNSUPPORTED";

export interface RegistryError {
  readonly status: number;
  readonly code: RegistryErrorCode;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers with an error. */
export function sendRegistryError(response: ServerResponse, error: RegistryError): void {
  const { status, code, message, headers = {} } = error;
  const body = Buffer.from(JSON.stringify({ errors: [{ code, message }] }));
  response.writeHead(status, {
    ...headers,
    "Content-Type": "application/json",
    "Content-Length": body.length,
    "Cache-Control": "no-store",
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

/** The error that a thrown value stands for; `unknown` is the code for what is not there. */
export function registryErrorOf(error: unknown, unknown: "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN"): RegistryError {
  if (error instanceof NotFoundError) return { status: 404, code: unknown, message: error.message };
  if (error instanceof MusterError) return { status: 502, code: "UNAVAILABLE", message: error.message };
  return {
    status: 500,
    code: "UNAVAILABLE",
    message: "the appliance failed on this request; its log has the reason",
  };
}
