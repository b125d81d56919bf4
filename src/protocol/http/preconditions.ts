/** Conditional requests (RFC 9110 section 13) for files with a strong entity tag and a modification time. */

/** Request headers by lower-case name. */
export type ConditionHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Validators {
  /** Strong entity tag with its quotes. */
  readonly etag: string;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
}

export type PreconditionResult = "proceed" | "not-modified" | "failed";

/** Evaluates the conditions of a GET or HEAD in the order of RFC 9110 section 13.2.2. */
export function evaluatePreconditions(headers: ConditionHeaders, validators: Validators): PreconditionResult {
  const ifMatch = text(headers["if-match"]);
  const unmodifiedSince = text(headers["if-unmodified-since"]);
  if (ifMatch !== undefined && !matches(ifMatch, validators.etag)) return "failed";
  if (ifMatch === undefined && isNewer(validators, unmodifiedSince)) return "failed";
  const ifNoneMatch = text(headers["if-none-match"]);
  if (ifNoneMatch !== undefined) {
    return matches(ifNoneMatch.replaceAll("W/", ""), validators.etag) ? "not-modified" : "proceed";
  }
  const since = instant(text(headers["if-modified-since"]));
  return since !== undefined && seconds(validators.modifiedAt) <= since ? "not-modified" : "proceed";
}

/** Whether the `Range` of a request counts: an `If-Range` that names another state asks for the whole file. */
export function rangeApplies(headers: ConditionHeaders, validators: Validators): boolean {
  const ifRange = text(headers["if-range"]);
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"')) return ifRange === validators.etag;
  return instant(ifRange) === seconds(validators.modifiedAt);
}

function matches(list: string, etag: string): boolean {
  return list.trim() === "*" || list.split(",").some((each) => each.trim() === etag);
}

function isNewer({ modifiedAt }: Validators, date: string | undefined): boolean {
  const limit = instant(date);
  return limit !== undefined && seconds(modifiedAt) > limit;
}

/** HTTP dates have whole seconds. */
function seconds(epochMs: number): number {
  return Math.floor(epochMs / 1000);
}

function instant(date: string | undefined): number | undefined {
  const at = Date.parse(date ?? "");
  return Number.isNaN(at) ? undefined : seconds(at);
}

function text(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.join(", ");
}
