/** Just enough DER (X.690) to take a signing request apart without trusting it: definite lengths, no recursion. */

/** One element: its tag octet, its content, and both together as they stood. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

export const TAG = { integer: 0x02, bitString: 0x03, oid: 0x06, sequence: 0x30 } as const;

/** The elements side by side in `bytes`; undefined when these are not DER. */
export function derElements(bytes: Buffer): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const element = derElementAt(bytes, offset);
    if (!element) return undefined;
    elements.push(element);
    offset += element.whole.length;
  }
  return elements;
}

/** The octets of a BIT STRING without unused bits; undefined when there are any. */
export function derBits(element: DerElement): Buffer | undefined {
  return element.tag === TAG.bitString && element.content[0] === 0 ? element.content.subarray(1) : undefined;
}

function derElementAt(bytes: Buffer, offset: number): DerElement | undefined {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  // Tags above 30 take more than one octet; nothing we read has one.
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let length = first;
  let start = offset + 2;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0 || octets > 3 || start + octets > bytes.length) return undefined;
    length = bytes.readUIntBE(start, octets);
    start += octets;
    // DER wants the shortest form.
    if (length < 0x80 || (octets > 1 && length < 1 << (8 * (octets - 1)))) return undefined;
  }
  if (start + length > bytes.length) return undefined;
  return {
    tag,
    content: bytes.subarray(start, start + length),
    whole: bytes.subarray(offset, start + length),
  };
}
