/** Option 77 as it occurs: a list of length-prefixed classes (RFC 3004 §4), or bare text as iPXE sends it. */

/** The classes; one when the value is not a well-formed list. */
export function decodeUserClasses(bytes: Uint8Array): readonly string[] {
  return decodeList(bytes) ?? [Buffer.from(bytes).toString("latin1")];
}

function decodeList(bytes: Uint8Array): readonly string[] | undefined {
  const classes: string[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const length = bytes[offset++] ?? 0;
    if (length === 0 || offset + length > bytes.length) return undefined;
    classes.push(Buffer.from(bytes.subarray(offset, offset + length)).toString("latin1"));
    offset += length;
  }
  return classes.length > 0 ? classes : undefined;
}
