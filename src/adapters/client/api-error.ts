/** Why a request to the appliance failed, said for the person at the terminal. */
import { type ErrorCode, type Fault, MusterError } from "../../domain/errors.ts";

/** An answer that is a problem document (RFC 9457), or any other answer that is no success. */
export class ApiError extends MusterError {
  readonly status: number;
  /** The stable `code` of the problem document, which knows a few more than the errors of this process. */
  readonly problem: string;
  readonly hint: string | undefined;

  constructor(options: {
    readonly status: number;
    readonly problem: string;
    readonly message: string;
    readonly hint?: string | undefined;
    readonly faults?: readonly Fault[];
  }) {
    super(codeOf(options.status), options.message, { faults: options.faults ?? [] });
    this.status = options.status;
    this.problem = options.problem;
    this.hint = options.hint;
  }
}

/** The appliance could not be reached, or who answered is not the appliance. */
export class UnreachableError extends MusterError {
  readonly hint: string;

  constructor(message: string, options: { readonly hint: string; readonly cause?: unknown }) {
    super("unavailable", message, { cause: options.cause });
    this.hint = options.hint;
  }
}

/**
 * The error that a response's body describes.
 * @param body the response's text: a problem document, or whatever a proxy in between had to say.
 */
export function errorFromResponse(status: number, body: string): ApiError {
  const problem = parseProblem(body);
  const message = problem.detail ?? problem.title ?? `the appliance answered ${status}`;
  const hint = hintOf(status) ?? problem.hint;
  return new ApiError({
    status,
    problem: problem.code ?? codeOf(status),
    message,
    hint,
    faults: problem.faults,
  });
}

interface Problem {
  readonly code?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly faults: readonly Fault[];
}

function parseProblem(body: string): Problem {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null) return { faults: [] };
    const problem = value as Partial<Problem>;
    return { ...problem, faults: problem.faults ?? [] };
  } catch {
    return { faults: [] };
  }
}

function codeOf(status: number): ErrorCode {
  const codes: Readonly<Record<number, ErrorCode>> = {
    401: "unauthorised",
    403: "forbidden",
    404: "not-found",
    409: "conflict",
  };
  return codes[status] ?? (status >= 500 ? "unavailable" : "bad-request");
}

function hintOf(status: number): string | undefined {
  if (status === 401) return "give a token by MUSTER_TOKEN, MUSTER_TOKEN_FILE or --token-file";
  return undefined;
}
