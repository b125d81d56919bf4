/** IPv6 addresses as certificates hold them. */

/** The sixteen octets of a textual IPv6 address that `net.isIPv6` accepts; a zone is left out. */
export function ipv6Bytes(address: string): Buffer {
  const [text = ""] = address.split("%");
  const [head = "", tail] = dotless(text).split("::");
  const left = groupsOf(head);
  const right = groupsOf(tail ?? "");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...left, ...new Array<number>(zeros).fill(0), ...right].entries()) {
    bytes.writeUInt16BE(group, index * 2);
  }
  return bytes;
}

function groupsOf(text: string): readonly number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

/** `::ffff:10.0.0.1` with its last 32 bits in hexadecimal. */
function dotless(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...octets: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
}
