/**
 * TFTP packets (RFC 1350 section 5, RFC 2347): bytes to values and back.
 *
 * ```
 * RRQ, WRQ   | opcode 1, 2 | path \0 | mode \0 | { option \0 value \0 } |
 * DATA       | opcode 3 | block (2) | 0 … blksize bytes |
 * ACK        | opcode 4 | block (2) |
 * ERROR      | opcode 5 | code (2) | message \0 |
 * OACK       | opcode 6 | { option \0 value \0 } |
 * ```
 */

/** An option as its sender wrote it; names are compared without regard to case. */
export interface TftpOption {
  readonly name: string;
  readonly value: string;
}

export interface TftpRequest {
  readonly kind: "read" | "write";
  readonly path: string;
  /** Lower case: `octet`, `netascii`, `mail`. */
  readonly mode: string;
  readonly options: readonly TftpOption[];
}

export type TftpPacket =
  | TftpRequest
  | { readonly kind: "data"; readonly block: number; readonly data: Uint8Array }
  | { readonly kind: "ack"; readonly block: number }
  | { readonly kind: "error"; readonly code: number; readonly message: string }
  | { readonly kind: "oack"; readonly options: readonly TftpOption[] };

/** Bytes that are no TFTP packet. `request` says that they meant to be an RRQ or WRQ. */
export interface MalformedTftp {
  readonly kind: "malformed";
  readonly reason: string;
  readonly request: boolean;
}

/** Error codes of RFC 1350 section 5 and RFC 2347. */
export const TFTP_ERROR = {
  undefined: 0,
  notFound: 1,
  accessViolation: 2,
  diskFull: 3,
  illegalOperation: 4,
  unknownTransfer: 5,
  optionRefused: 8,
} as const;

const OPCODE = { read: 1, write: 2, data: 3, ack: 4, error: 5, oack: 6 } as const;

/** Longest text taken from a packet; anything longer is refused (T-22). */
const MAX_TEXT = 512;
const MAX_OPTIONS = 16;

/** Reads any bytes; total: what is no packet becomes `malformed` with the reason. */
export function decodeTftp(bytes: Uint8Array): TftpPacket | MalformedTftp {
  if (bytes.length < 4) return malformed("shorter than any packet", false);
  const second = u16(bytes, 2);
  switch (u16(bytes, 0)) {
    case OPCODE.read:
      return decodeRequest(bytes, "read");
    case OPCODE.write:
      return decodeRequest(bytes, "write");
    case OPCODE.data:
      return { kind: "data", block: second, data: bytes.subarray(4) };
    case OPCODE.ack:
      return { kind: "ack", block: second };
    case OPCODE.error:
      return { kind: "error", code: second, message: errorText(bytes) };
    case OPCODE.oack: {
      const options = pairs(texts(bytes, 2) ?? ["odd"]);
      return options ? { kind: "oack", options } : malformed("broken options", false);
    }
    default:
      return malformed("unknown opcode", false);
  }
}

/**
 * The block number when the bytes are an ACK of exactly the common shape, otherwise -1.
 * The hot path of a transfer: it spares the allocation of a packet value.
 */
export function ackedBlock(bytes: Uint8Array): number {
  return bytes.length === 4 && u16(bytes, 0) === OPCODE.ack ? u16(bytes, 2) : -1;
}

/** The bytes of a packet. Text is written as UTF-8. */
export function encodeTftp(packet: TftpPacket): Uint8Array {
  switch (packet.kind) {
    case "read":
    case "write":
      return withTexts(OPCODE[packet.kind], [packet.path, packet.mode, ...flat(packet.options)]);
    case "oack":
      return withTexts(OPCODE.oack, flat(packet.options));
    case "ack":
      return numbers(OPCODE.ack, packet.block);
    case "data":
      return Buffer.concat([numbers(OPCODE.data, packet.block), packet.data]);
    case "error":
      return Buffer.concat([numbers(OPCODE.error, packet.code), Buffer.from(`${packet.message}\0`)]);
  }
}

/** Writes the four octets of a DATA header; `block` is reduced to 16 bits (T-10). */
export function writeDataHeader(target: Uint8Array, block: number): void {
  target[0] = 0;
  target[1] = OPCODE.data;
  target[2] = (block >> 8) & 0xff;
  target[3] = block & 0xff;
}

function decodeRequest(bytes: Uint8Array, kind: "read" | "write"): TftpRequest | MalformedTftp {
  const [path, mode, ...rest] = texts(bytes, 2) ?? [];
  if (path === undefined) return malformed("text without its end, too long or too much of it", true);
  if (mode === undefined) return malformed("no transfer mode", true);
  const options = pairs(rest);
  return options
    ? { kind, path, mode: mode.toLowerCase(), options }
    : malformed("option without value", true);
}

/** The NUL-terminated texts from `offset` to the end; undefined when the last lacks its NUL or one is too long. */
function texts(bytes: Uint8Array, offset: number): string[] | undefined {
  const found: string[] = [];
  for (let start = offset; start < bytes.length; ) {
    const end = bytes.indexOf(0, start);
    if (end < 0 || end - start > MAX_TEXT || found.length >= 2 + 2 * MAX_OPTIONS) return undefined;
    found.push(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8"));
    start = end + 1;
  }
  return found;
}

function pairs(list: readonly string[]): readonly TftpOption[] | undefined {
  if (list.length % 2 !== 0) return undefined;
  const options: TftpOption[] = [];
  for (let i = 0; i < list.length; i += 2) options.push({ name: list[i] ?? "", value: list[i + 1] ?? "" });
  return options;
}

/** Firmware leaves out the final NUL or the whole message of an ERROR; both are read (T-18). */
function errorText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0, 4);
  const text = bytes.subarray(4, Math.min(end < 0 ? bytes.length : end, 4 + MAX_TEXT));
  return Buffer.from(text).toString("utf8");
}

function flat(options: readonly TftpOption[]): string[] {
  return options.flatMap(({ name, value }) => [name, value]);
}

function withTexts(opcode: number, list: readonly string[]): Uint8Array {
  return Buffer.from(`\0${String.fromCharCode(opcode)}${list.map((text) => `${text}\0`).join("")}`);
}

function numbers(first: number, second: number): Uint8Array {
  return Uint8Array.of(first >> 8, first & 0xff, (second >> 8) & 0xff, second & 0xff);
}

function u16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

function malformed(reason: string, request: boolean): MalformedTftp {
  return { kind: "malformed", reason, request };
}
