/** Writes DHCP packets. */
import { fitOptions, type OptionPlacement, type PlacedOption } from "./fit-options.ts";
import { OPTION } from "./option-codes.ts";
import {
  CHADDR_LENGTH,
  type DhcpPacket,
  FILE_LENGTH,
  MAGIC_COOKIE,
  MIN_PACKET_LENGTH,
  OFFSET,
  SNAME_LENGTH,
} from "./packet.ts";

/** How much room a packet has. */
export interface EncodeLimits {
  /** Longest UDP payload in octets. */
  readonly maxLength: number;
  /** Options that do not fit may go to unused `file` and `sname` fields (option 52). */
  readonly overload: boolean;
}

export interface EncodedPacket {
  readonly bytes: Uint8Array;
  /** Codes that found no room. */
  readonly dropped: readonly number[];
}

const LARGEST_DATAGRAM: EncodeLimits = { maxLength: 65_507, overload: false };
const LONGEST_VALUE = 255;

/**
 * Encodes a packet of at least 300 octets: options 53, 54, 51, 58, 59 and 1 first, 67 and 82 last, the others in the
 * order of the map; values over 255 octets split in consecutive instances (RFC 3396 §6). `sname` and `file` must fit
 * their fields with a closing NUL; longer ones are left empty, never cut.
 */
export function encodeDhcp(packet: DhcpPacket, limits: EncodeLimits = LARGEST_DATAGRAM): EncodedPacket {
  const free = { file: packet.file === "", sname: packet.sname === "" };
  const placement = fitOptions(packet.options, limits, free);
  const length = OFFSET.options + placement.mainLength + 1;
  // From the pool: one allocation of its own for every packet is what a flood would spend its time on.
  const bytes = Buffer.allocUnsafe(Math.max(MIN_PACKET_LENGTH, length)).fill(0);
  writeHeader(bytes, packet);
  const end = writeOptions(bytes, OFFSET.options, placement.main);
  bytes[end] = OPTION.end;
  writeOverloaded(bytes, placement);
  return { bytes, dropped: placement.dropped };
}

function writeHeader(bytes: Buffer, packet: DhcpPacket): void {
  bytes[0] = packet.op;
  bytes[1] = packet.htype;
  bytes[2] = packet.hlen;
  bytes[OFFSET.hops] = packet.hops;
  bytes.writeUInt32BE(packet.xid, OFFSET.xid);
  bytes.writeUInt16BE(packet.secs, OFFSET.secs);
  bytes.writeUInt16BE(packet.flags, OFFSET.flags);
  bytes.writeUInt32BE(packet.ciaddr, OFFSET.ciaddr);
  bytes.writeUInt32BE(packet.yiaddr, OFFSET.yiaddr);
  bytes.writeUInt32BE(packet.siaddr, OFFSET.siaddr);
  bytes.writeUInt32BE(packet.giaddr, OFFSET.giaddr);
  bytes.set(packet.chaddr.subarray(0, CHADDR_LENGTH), OFFSET.chaddr);
  writeText(bytes, OFFSET.sname, SNAME_LENGTH, packet.sname);
  writeText(bytes, OFFSET.file, FILE_LENGTH, packet.file);
  bytes.writeUInt32BE(MAGIC_COOKIE, OFFSET.cookie);
}

function writeText(bytes: Buffer, offset: number, field: number, text: string): void {
  if (text !== "" && Buffer.byteLength(text) < field) bytes.write(text, offset, "utf8");
}

function writeOverloaded(bytes: Buffer, placement: OptionPlacement): void {
  if (placement.file.length > 0) {
    bytes[writeOptions(bytes, OFFSET.file, placement.file)] = OPTION.end;
  }
  if (placement.sname.length > 0) {
    bytes[writeOptions(bytes, OFFSET.sname, placement.sname)] = OPTION.end;
  }
}

function writeOptions(bytes: Buffer, from: number, options: readonly PlacedOption[]): number {
  let offset = from;
  for (const { code, value } of options) {
    let written = 0;
    do {
      const length = Math.min(LONGEST_VALUE, value.length - written);
      bytes[offset++] = code;
      bytes[offset++] = length;
      bytes.set(length === value.length ? value : value.subarray(written, written + length), offset);
      offset += length;
      written += length;
    } while (written < value.length);
  }
  return offset;
}
