/** The netascii transfer mode (RFC 1350 section 1, RFC 764): line ends on the wire are CR LF. */

const LF = 0x0a;
const CR = 0x0d;

/** The bytes as netascii: LF becomes CR LF, a bare CR becomes CR NUL (T-20). */
export function toNetascii(bytes: Uint8Array): Uint8Array {
  const extra = bytes.reduce((count, byte) => count + (byte === LF || byte === CR ? 1 : 0), 0);
  const out = new Uint8Array(bytes.length + extra);
  let at = 0;
  for (const byte of bytes) {
    if (byte === LF) out[at++] = CR;
    out[at++] = byte;
    if (byte === CR) at++;
  }
  return out;
}
