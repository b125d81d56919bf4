/** Byte ranges of a single representation (RFC 9110 section 14). */

/** What part of a file a request asks for; `end` is the last byte, inclusive. */
export type RangeRequest =
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly start: number; readonly end: number }
  | { readonly kind: "unsatisfiable" };

const WHOLE: RangeRequest = { kind: "whole" };

/**
 * Reads a `Range` header against a file of `size` bytes. Several ranges, other units and anything malformed ask for
 * the whole file, as the RFC allows: no boot firmware reads `multipart/byteranges`.
 */
export function parseRange(header: string | undefined, size: number): RangeRequest {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (!match || (first === "" && last === "")) return WHOLE;
  if (first === "") return suffix(Number(last), size);
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return WHOLE;
  return start < size ? { kind: "part", start, end } : { kind: "unsatisfiable" };
}

function suffix(length: number, size: number): RangeRequest {
  if (length === 0 || size === 0) return { kind: "unsatisfiable" };
  return { kind: "part", start: Math.max(0, size - length), end: size - 1 };
}
