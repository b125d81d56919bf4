/** A DISCOVER of this appliance's own, to find out which other DHCP servers answer. */
import { ANY, formatIpv4, type Ipv4 } from "../../net/ipv4.ts";
import { type Mac, macToBytes } from "../../net/mac.ts";
import { DecodeError } from "../../protocol/decode-error.ts";
import { decodeDhcp } from "../../protocol/dhcp/decode-packet.ts";
import { encodeDhcp } from "../../protocol/dhcp/encode-packet.ts";
import {
  BOOTREPLY,
  BOOTREQUEST,
  FLAG_BROADCAST,
  HTYPE_ETHERNET,
  MESSAGE_TYPE,
  messageTypeName,
  OPTION,
} from "../../protocol/dhcp/option-codes.ts";
import { DhcpOptions, u8Bytes } from "../../protocol/dhcp/options.ts";
import { CHADDR_LENGTH } from "../../protocol/dhcp/packet.ts";
import type { ForeignServer } from "./dhcp-service.ts";

export interface RivalProbe {
  /** Transaction of the search, random. */
  readonly xid: number;
  /** A locally administered MAC that no machine has. */
  readonly mac: Mac;
}

/**
 * The packet to broadcast to port 67. It asks for a broadcast answer, which a socket on port 68 hears; nobody is bound
 * to an address by it. Call {@link DhcpService.expectProbe} with the xid first.
 */
export function encodeRivalProbe({ xid, mac }: RivalProbe): Uint8Array {
  const chaddr = new Uint8Array(CHADDR_LENGTH);
  chaddr.set(macToBytes(mac));
  return encodeDhcp({
    op: BOOTREQUEST,
    htype: HTYPE_ETHERNET,
    hlen: 6,
    hops: 0,
    xid,
    secs: 0,
    flags: FLAG_BROADCAST,
    ciaddr: ANY,
    yiaddr: ANY,
    siaddr: ANY,
    giaddr: ANY,
    chaddr,
    sname: "",
    file: "",
    options: new DhcpOptions(
      new Map([
        [OPTION.messageType, u8Bytes(MESSAGE_TYPE.discover)],
        [OPTION.parameterRequestList, Uint8Array.of(OPTION.subnetMask, OPTION.routers)],
      ]),
    ),
  }).bytes;
}

/** The server behind an answer to the probe; undefined for every other datagram, and for proxies, which give no address. */
export function readRivalOffer(
  bytes: Uint8Array,
  probe: RivalProbe,
  source: { readonly address: string },
): ForeignServer | undefined {
  const packet = decodeDhcp(bytes);
  if (packet instanceof DecodeError || packet.op !== BOOTREPLY || packet.xid !== probe.xid) return undefined;
  if (packet.yiaddr === ANY) return undefined;
  const server: Ipv4 | undefined = packet.options.ipv4(OPTION.serverId);
  return {
    server: server === undefined ? source.address : formatIpv4(server),
    source: source.address,
    message: messageTypeName(packet.options.u8(OPTION.messageType)),
    client: probe.mac,
  };
}
