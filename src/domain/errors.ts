/**
 * The few errors this program throws. Each has a stable `code` (listed in docs/errors.md) and a message that says
 * what to do. Expected outcomes are return values, not errors.
 */
export type ErrorCode =
  | "bad-request"
  | "bad-config"
  | "unauthorised"
  | "forbidden"
  | "not-found"
  | "conflict"
  | "refused"
  | "not-permitted-now"
  | "render-failed"
  | "upstream-failed"
  | "not-verified"
  | "unavailable";

/** One fault inside a document: where it is and what was expected. */
export interface Fault {
  readonly path: string;
  readonly message: string;
  /** The file, environment variable or flag that holds the value. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** Base of every error that is part of the product's contract. */
export class MusterError extends Error {
  readonly code: ErrorCode;
  readonly faults: readonly Fault[];

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; faults?: readonly Fault[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.faults = options.faults ?? [];
  }
}

/** A configuration that cannot be used; ends the process with exit code 78. */
export class ConfigError extends MusterError {
  constructor(message: string, faults: readonly Fault[] = []) {
    super("bad-config", message, { faults });
  }
}

/** The thing named does not exist. */
export class NotFoundError extends MusterError {
  constructor(message: string) {
    super("not-found", message);
  }
}

/** The change contradicts something that exists: a duplicate MAC, an older revision. */
export class ConflictError extends MusterError {
  constructor(message: string) {
    super("conflict", message);
  }
}

/** The move is not allowed from the machine's present state. */
export class TransitionError extends MusterError {
  constructor(message: string) {
    super("not-permitted-now", message);
  }
}

/** A template that does not render, or a rendered document that its reader would refuse. */
export class RenderError extends MusterError {
  constructor(message: string, cause?: unknown) {
    super("render-failed", message, { cause });
  }
}
