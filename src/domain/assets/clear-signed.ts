/** OpenPGP cleartext signed messages (RFC 9580 section 7), as Debian's `InRelease` files are. */

/** A message taken apart: the bytes that were signed and the armored signature over them. */
export interface ClearSigned {
  readonly content: string;
  readonly signature: string;
}

const HEAD = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE = "-----BEGIN PGP SIGNATURE-----";
const TAIL = "-----END PGP SIGNATURE-----";

/**
 * Splits an `InRelease` so that the content can be verified as a detached text signature.
 * Undefined when anything stands outside of the one signed message: what is not signed must not be read.
 */
export function splitClearSigned(text: string): ClearSigned | undefined {
  const lines = text.replaceAll("\r\n", "\n").trimEnd().split("\n");
  const blank = lines.indexOf("");
  const start = lines.indexOf(SIGNATURE);
  if (lines[0] !== HEAD || blank < 1 || start < blank || lines.at(-1) !== TAIL) return undefined;
  if (lines.indexOf(TAIL) !== lines.length - 1 || lines.lastIndexOf(SIGNATURE) !== start) return undefined;
  if (!lines.slice(1, blank).every((line) => /^Hash: [A-Za-z0-9, -]+$/.test(line))) return undefined;
  const content = lines.slice(blank + 1, start).map(unescapeDashes);
  return { content: content.join("\n"), signature: `${lines.slice(start).join("\n")}\n` };
}

/** Trailing blanks are no part of the signed text; a leading dash was escaped as `- -`. */
function unescapeDashes(line: string): string {
  const bare = line.startsWith("- ") ? line.slice(2) : line;
  return bare.replace(/[ \t]+$/, "");
}
