/**
 * IPv4 addresses as unsigned 32-bit numbers inside and strict dotted quads outside.
 * Octal, short and padded forms are refused: `010.0.0.1` means different machines to different programs.
 */

declare const address: unique symbol;

/** An IPv4 address as an unsigned 32-bit number, network order (10.0.0.1 is 0x0a000001). */
export type Ipv4 = number & { readonly [address]: true };

export const ANY: Ipv4 = 0 as Ipv4;
export const BROADCAST: Ipv4 = 0xffffffff as Ipv4;

const OCTET = /^(0|[1-9]\d{0,2})$/;

/** Reads a dotted quad; undefined when the text is anything else. */
export function parseIpv4(text: string): Ipv4 | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    const octet = Number(part);
    if (!OCTET.test(part) || octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value as Ipv4;
}

/** The dotted quad of an address. */
export function formatIpv4(ip: Ipv4): string {
  return `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`;
}

/** The number as an address; the low 32 bits count. */
export function toIpv4(value: number): Ipv4 {
  return (value >>> 0) as Ipv4;
}

/** The address in four octets starting at `offset`. The caller guarantees that they exist. */
export function ipv4FromBytes(bytes: Uint8Array, offset = 0): Ipv4 {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 4);
  return view.getUint32(0) as Ipv4;
}

/** The four octets of an address in network order. */
export function ipv4ToBytes(ip: Ipv4): Uint8Array {
  return Uint8Array.of(ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255);
}
