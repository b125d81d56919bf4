/**
 * A DHCP packet as a value (RFC 2131 §2):
 *
 *     0                   1                   2                   3
 *     +---------------+---------------+---------------+---------------+
 *     |     op (1)    |   htype (1)   |   hlen (1)    |   hops (1)    |   0
 *     +---------------+---------------+---------------+---------------+
 *     |                            xid (4)                            |   4
 *     +-------------------------------+-------------------------------+
 *     |           secs (2)            |           flags (2)           |   8
 *     +-------------------------------+-------------------------------+
 *     |      ciaddr (4)     yiaddr (4)     siaddr (4)     giaddr (4)  |  12
 *     |                          chaddr  (16)                         |  28
 *     |                          sname   (64)                         |  44
 *     |                          file    (128)                        | 108
 *     |             magic cookie 63 82 53 63, options (…)             | 236
 *     +---------------------------------------------------------------+
 */
import type { Ipv4 } from "../../net/ipv4.ts";
import type { DhcpOptions } from "./options.ts";

export interface DhcpPacket {
  readonly op: number;
  readonly htype: number;
  readonly hlen: number;
  readonly hops: number;
  readonly xid: number;
  readonly secs: number;
  readonly flags: number;
  readonly ciaddr: Ipv4;
  readonly yiaddr: Ipv4;
  readonly siaddr: Ipv4;
  readonly giaddr: Ipv4;
  /** Always 16 octets; the first `hlen` count. */
  readonly chaddr: Uint8Array;
  /** Up to the first NUL; empty when the field was overloaded with options. */
  readonly sname: string;
  readonly file: string;
  readonly options: DhcpOptions;
}

/** Where the fields of {@link DhcpPacket} lie. */
export const OFFSET = {
  hops: 3,
  xid: 4,
  secs: 8,
  flags: 10,
  ciaddr: 12,
  yiaddr: 16,
  siaddr: 20,
  giaddr: 24,
  chaddr: 28,
  sname: 44,
  file: 108,
  cookie: 236,
  options: 240,
} as const;

export const CHADDR_LENGTH = 16;
export const SNAME_LENGTH = 64;
export const FILE_LENGTH = 128;
export const MAGIC_COOKIE = 0x63825363;
/** Shortest packet ever sent: relays and old clients drop shorter ones (RFC 1542 §2.1). */
export const MIN_PACKET_LENGTH = 300;
