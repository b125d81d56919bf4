/** Options inside an option: codes, lengths and values once more (RFC 2132 §8.4). */

/** Whether 0 and 255 mean padding and end, as in options 43 and 175; in option 82 they are codes like any other. */
export interface SubOptionSyntax {
  readonly markers: boolean;
}

/** Reads what is whole; a last sub-option that is cut off is left out. The first of repeated codes counts. */
export function decodeSubOptions(
  bytes: Uint8Array,
  syntax: SubOptionSyntax,
): ReadonlyMap<number, Uint8Array> {
  const values = new Map<number, Uint8Array>();
  let offset = 0;
  while (offset < bytes.length) {
    const code = bytes[offset++] ?? 0;
    if (syntax.markers && code === 0) continue;
    if (syntax.markers && code === 255) break;
    const length = bytes[offset++];
    if (length === undefined || offset + length > bytes.length) break;
    if (!values.has(code)) values.set(code, bytes.subarray(offset, offset + length));
    offset += length;
  }
  return values;
}

/** Writes sub-options in the order of the map, with a closing 255 where the syntax has one. Values up to 255 octets. */
export function encodeSubOptions(
  values: ReadonlyMap<number, Uint8Array>,
  syntax: SubOptionSyntax,
): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [code, value] of values) parts.push(Uint8Array.of(code, value.length), value);
  if (syntax.markers) parts.push(Uint8Array.of(255));
  return Buffer.concat(parts);
}
