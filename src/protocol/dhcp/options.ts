/**
 * The options of a packet: raw octets by code, so that an unknown one survives a round trip, with typed views
 * that are read when somebody asks. A view of a value that is too short or odd is undefined, never an exception.
 */
import { type Ipv4, ipv4FromBytes, ipv4ToBytes } from "../../net/ipv4.ts";

export class DhcpOptions {
  readonly #values: ReadonlyMap<number, Uint8Array>;

  constructor(values: ReadonlyMap<number, Uint8Array>) {
    this.#values = values;
  }

  has(code: number): boolean {
    return this.#values.has(code);
  }

  get(code: number): Uint8Array | undefined {
    return this.#values.get(code);
  }

  entries(): Iterable<[number, Uint8Array]> {
    return this.#values.entries();
  }

  codes(): Iterable<number> {
    return this.#values.keys();
  }

  u8(code: number): number | undefined {
    const value = this.#values.get(code);
    return value?.length === 1 ? value[0] : undefined;
  }

  u16(code: number): number | undefined {
    const value = this.#values.get(code);
    return value?.length === 2 ? readU16(value, 0) : undefined;
  }

  u32(code: number): number | undefined {
    const value = this.#values.get(code);
    return value?.length === 4 ? ipv4FromBytes(value) : undefined;
  }

  ipv4(code: number): Ipv4 | undefined {
    const value = this.#values.get(code);
    return value?.length === 4 ? ipv4FromBytes(value) : undefined;
  }

  ipv4s(code: number): readonly Ipv4[] | undefined {
    const value = this.#values.get(code);
    if (!value || value.length === 0 || value.length % 4 !== 0) return undefined;
    return Array.from({ length: value.length / 4 }, (_, index) => ipv4FromBytes(value, index * 4));
  }

  u16s(code: number): readonly number[] | undefined {
    const value = this.#values.get(code);
    if (!value || value.length === 0 || value.length % 2 !== 0) return undefined;
    return Array.from({ length: value.length / 2 }, (_, index) => readU16(value, index * 2));
  }

  /** The value as text up to the first NUL; octets that are not UTF-8 become U+FFFD. */
  text(code: number): string | undefined {
    const value = this.#values.get(code);
    return value && textOf(value);
  }
}

export const NO_OPTIONS = new DhcpOptions(new Map());

/** Octets as text up to the first NUL. */
export function textOf(value: Uint8Array): string {
  const end = value.indexOf(0);
  return Buffer.from(value.buffer, value.byteOffset, end < 0 ? value.length : end).toString("utf8");
}

/** Text as octets, with a closing NUL where the reader needs one. */
export function textBytes(text: string, options: { readonly nul: boolean } = { nul: false }): Uint8Array {
  return Buffer.from(options.nul ? `${text}\0` : text, "utf8");
}

/** One octet. */
export function u8Bytes(value: number): Uint8Array {
  return Uint8Array.of(value & 255);
}

/** Two octets in network order. */
export function u16Bytes(value: number): Uint8Array {
  return Uint8Array.of((value >>> 8) & 255, value & 255);
}

/** Four octets in network order. */
export function u32Bytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

/** Addresses one after the other. */
export function ipv4sBytes(addresses: readonly Ipv4[]): Uint8Array {
  return Buffer.concat(addresses.map((address) => ipv4ToBytes(address)));
}

function readU16(value: Uint8Array, offset: number): number {
  return ((value[offset] ?? 0) << 8) | (value[offset + 1] ?? 0);
}
