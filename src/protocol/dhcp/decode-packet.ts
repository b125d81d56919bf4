/** Reads DHCP packets. Total: every byte string gives a packet or a {@link DecodeError}, which is returned. */
import { type Ipv4, toIpv4 } from "../../net/ipv4.ts";
import { DecodeError } from "../decode-error.ts";
import { BOOTREPLY, BOOTREQUEST, OPTION } from "./option-codes.ts";
import { DhcpOptions, textOf } from "./options.ts";
import { CHADDR_LENGTH, type DhcpPacket, FILE_LENGTH, MAGIC_COOKIE, OFFSET, SNAME_LENGTH } from "./packet.ts";

/** Values of option 52 (RFC 2132 §9.3), as bits. */
const OVERLOADS_FILE = 1;
const OVERLOADS_SNAME = 2;

/**
 * Decodes the payload of a UDP datagram (RFC 2131 §2). A last option that runs past the end of its field is left out:
 * some firmware sends one, and everything before it can be trusted. Repeated codes are joined (RFC 3396 §7), options
 * in `file` and `sname` are read when option 52 says so, in that order.
 */
export function decodeDhcp(datagram: Uint8Array): DhcpPacket | DecodeError {
  // Views of a Buffer are Buffers, which cost several times as much to make.
  const bytes = new Uint8Array(datagram.buffer, datagram.byteOffset, datagram.length);
  if (bytes.length < OFFSET.options) return new DecodeError("shorter than a DHCP packet", bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const op = view.getUint8(0);
  if (op !== BOOTREQUEST && op !== BOOTREPLY) return new DecodeError("neither a request nor a reply", 0);
  const hlen = view.getUint8(2);
  if (hlen > CHADDR_LENGTH) return new DecodeError("hardware address longer than 16 octets", 2);
  if (view.getUint32(OFFSET.cookie) !== MAGIC_COOKIE) {
    return new DecodeError("no DHCP magic cookie", OFFSET.cookie);
  }

  const values = new Map<number, Uint8Array>();
  readOptions(bytes, OFFSET.options, bytes.length, values);
  const overload = readOverload(values);
  if ((overload & OVERLOADS_FILE) !== 0) readField(bytes, OFFSET.file, FILE_LENGTH, values);
  if ((overload & OVERLOADS_SNAME) !== 0) readField(bytes, OFFSET.sname, SNAME_LENGTH, values);

  return {
    op,
    htype: view.getUint8(1),
    hlen,
    hops: view.getUint8(OFFSET.hops),
    xid: view.getUint32(OFFSET.xid),
    secs: view.getUint16(OFFSET.secs),
    flags: view.getUint16(OFFSET.flags),
    ciaddr: address(view, OFFSET.ciaddr),
    yiaddr: address(view, OFFSET.yiaddr),
    siaddr: address(view, OFFSET.siaddr),
    giaddr: address(view, OFFSET.giaddr),
    chaddr: bytes.subarray(OFFSET.chaddr, OFFSET.chaddr + CHADDR_LENGTH),
    sname: (overload & OVERLOADS_SNAME) === 0 ? fieldText(bytes, OFFSET.sname, SNAME_LENGTH) : "",
    file: (overload & OVERLOADS_FILE) === 0 ? fieldText(bytes, OFFSET.file, FILE_LENGTH) : "",
    options: new DhcpOptions(values),
  };
}

/** Option 52 has done its work once it is read: the packet as a value does not carry it. */
function readOverload(values: Map<number, Uint8Array>): number {
  const value = values.get(OPTION.overload);
  values.delete(OPTION.overload);
  return value?.length === 1 ? (value[0] ?? 0) & (OVERLOADS_FILE | OVERLOADS_SNAME) : 0;
}

/** An option 52 inside an overloaded field means nothing. */
function readField(bytes: Uint8Array, offset: number, length: number, values: Map<number, Uint8Array>): void {
  readOptions(bytes, offset, offset + length, values);
  values.delete(OPTION.overload);
}

function readOptions(bytes: Uint8Array, from: number, end: number, values: Map<number, Uint8Array>): void {
  let offset = from;
  while (offset < end) {
    const code = bytes[offset++];
    if (code === undefined || code === OPTION.end) return;
    if (code === OPTION.pad) continue;
    const length = bytes[offset++];
    if (length === undefined || offset + length > end) return;
    const value = bytes.subarray(offset, offset + length);
    const earlier = values.get(code);
    values.set(code, earlier ? Buffer.concat([earlier, value]) : value);
    offset += length;
  }
}

function fieldText(bytes: Uint8Array, offset: number, length: number): string {
  return bytes[offset] === 0 ? "" : textOf(bytes.subarray(offset, offset + length));
}

function address(view: DataView, offset: number): Ipv4 {
  return toIpv4(view.getUint32(offset));
}
