/** Reply packets: header fields by RFC 2131 §4.3.1 table 3, options by what was asked and what firmware needs. */
import { ANY, type Ipv4, ipv4ToBytes } from "../../net/ipv4.ts";
import type { EncodeLimits } from "../../protocol/dhcp/encode-packet.ts";
import { BOOTREPLY, FLAG_BROADCAST, MESSAGE_TYPE, OPTION } from "../../protocol/dhcp/option-codes.ts";
import { DhcpOptions, textBytes, u8Bytes, u32Bytes } from "../../protocol/dhcp/options.ts";
import type { DhcpPacket } from "../../protocol/dhcp/packet.ts";
import { type BootFields, bootFieldsFor, type NoBoot } from "./boot-fields.ts";
import type { ClientRequest } from "./client-request.ts";
import { type Decision, ignore, NO_CHANGES } from "./decision.ts";
import type { LeaseChange } from "./lease.ts";
import type { LeaseTimes } from "./lease-time.ts";
import type { ServedSubnet } from "./network-plan.ts";
import { bootServerOf } from "./place.ts";
import { type ReplyKind, replyDestination } from "./reply-destination.ts";
import type { PlacedSituation, Situation } from "./situation.ts";

/** Octets of IP and UDP headers, which option 57 counts and a payload does not. */
const HEADERS = 28;
const SMALLEST_MAXIMUM = 576;
/** One Ethernet frame; EDK2 ignores longer packets. */
const LARGEST_PAYLOAD = 1472;
/** What clients without a parameter request list get. */
const DEFAULT_OPTIONS: readonly number[] = [OPTION.routers, OPTION.nameServers, OPTION.domainName];

/** An OFFER or ACK that gives an address, or the ACK of an INFORM, which has neither address nor `times`. */
export interface AddressReply {
  readonly type: number;
  readonly kind: ReplyKind;
  readonly subnet: ServedSubnet;
  readonly yiaddr: Ipv4;
  readonly times: LeaseTimes | undefined;
  readonly because: string;
  readonly changes: readonly LeaseChange[];
  readonly fresh: boolean;
  /** The answer to a DISCOVER with rapid commit. */
  readonly rapidCommit?: boolean;
}

/** Builds the reply of server mode: lease options, network options and, for boot clients, boot data. */
export function addressReply(situation: PlacedSituation, reply: AddressReply): Decision {
  const { request, rules, boot } = situation;
  const server = bootServerOf(request, situation.plan, reply.subnet);
  const bootFields = boot && bootFieldsOf(situation, server, { proxy: false });
  const options = identityOptions(request, reply.type, server);
  if (reply.times) addLeaseTimes(options, reply.times);
  addNetworkOptions(options, situation, reply.subnet);
  if (bootFields?.kind === "fields") for (const [code, value] of bootFields.options) options.set(code, value);
  if (reply.rapidCommit === true) options.set(OPTION.rapidCommit, new Uint8Array(0));
  addEchoes(options, request, { clientId: rules.echoClientId });
  const because = bootFields?.kind === "none" ? `${reply.because}; ${bootFields.because}` : reply.because;
  return finish(
    situation,
    reply.kind,
    {
      ...header(request),
      ciaddr: reply.type === MESSAGE_TYPE.ack ? request.ciaddr : ANY,
      yiaddr: reply.yiaddr,
      ...bootHeader(bootFields),
      options: new DhcpOptions(options),
    },
    { ...reply, because, bootFile: bootFileOf(bootFields) },
  );
}

/** Builds the reply of a proxyDHCP or boot server: boot data and no lease option at all. */
export function bootReply(
  situation: Situation,
  reply: {
    readonly type: number;
    readonly kind: ReplyKind;
    readonly server: Ipv4;
    readonly fields: BootFields;
  },
): Decision {
  const { request, rules } = situation;
  const options = identityOptions(request, reply.type, reply.server);
  for (const [code, value] of reply.fields.options) options.set(code, value);
  addEchoes(options, request, { clientId: rules.echoClientId });
  return finish(
    situation,
    reply.kind,
    {
      ...header(request),
      ciaddr: reply.type === MESSAGE_TYPE.ack ? request.packet.ciaddr : ANY,
      ...bootHeader(reply.fields),
      options: new DhcpOptions(options),
    },
    {
      because: "boot data for its firmware",
      changes: NO_CHANGES,
      fresh: false,
      bootFile: bootFileOf(reply.fields),
    },
  );
}

/** Builds a NAK: who refuses and why, nothing else; through a relay it asks for a broadcast. */
export function nak(
  situation: PlacedSituation,
  because: string,
  changes: readonly LeaseChange[] = NO_CHANGES,
): Decision {
  const { request, rules } = situation;
  const server = bootServerOf(request, situation.plan, situation.place.home);
  const options = identityOptions(request, MESSAGE_TYPE.nak, server);
  options.set(OPTION.message, textBytes(because));
  addEchoes(options, request, { clientId: rules.echoClientId });
  const relayed = request.packet.giaddr !== ANY;
  return finish(
    situation,
    "nak",
    {
      ...header(request),
      flags: relayed ? request.packet.flags | FLAG_BROADCAST : request.packet.flags,
      options: new DhcpOptions(options),
    },
    { because, changes, fresh: false, bootFile: undefined },
  );
}

/** Boot data for the situation's client, which must be a boot client. */
export function bootFieldsOf(
  situation: Situation,
  server: Ipv4,
  options: { readonly proxy: boolean },
): BootFields | NoBoot | undefined {
  const { boot, client, rules, request } = situation;
  if (!boot) return undefined;
  return bootFieldsFor({
    client: boot,
    mac: client.mac,
    machine: client.machine,
    server,
    httpPort: rules.httpPort,
    overrides: rules.architectures,
    proxy: options.proxy,
    machineId: request.packet.options.get(OPTION.clientMachineId),
  });
}

function finish(
  situation: Situation,
  kind: ReplyKind,
  packet: DhcpPacket,
  rest: {
    readonly because: string;
    readonly changes: readonly LeaseChange[];
    readonly fresh: boolean;
    readonly bootFile: string | undefined;
  },
): Decision {
  const to = replyDestination(kind, situation.request, situation.rules);
  if (!to) return ignore("no-client-address");
  const { because, changes, fresh, bootFile } = rest;
  return { kind: "reply", packet, limits: limitsFor(situation), to, because, changes, fresh, bootFile };
}

function header(request: ClientRequest): DhcpPacket {
  const { packet } = request;
  return {
    op: BOOTREPLY,
    htype: packet.htype,
    hlen: packet.hlen,
    hops: 0,
    xid: packet.xid,
    secs: 0,
    flags: packet.flags,
    ciaddr: ANY,
    yiaddr: ANY,
    siaddr: ANY,
    giaddr: packet.giaddr,
    chaddr: packet.chaddr,
    sname: "",
    file: "",
    options: packet.options,
  };
}

function bootHeader(fields: BootFields | NoBoot | undefined): { siaddr: Ipv4; sname: string; file: string } {
  if (fields?.kind !== "fields") return { siaddr: ANY, sname: "", file: "" };
  return { siaddr: fields.siaddr, sname: fields.sname, file: fields.file };
}

function bootFileOf(fields: BootFields | NoBoot | undefined): string | undefined {
  return fields?.kind === "fields" ? fields.bootFile : undefined;
}

function identityOptions(request: ClientRequest, type: number, server: Ipv4): Map<number, Uint8Array> {
  const identity = request.relay?.serverIdOverride ?? server;
  return new Map([
    [OPTION.messageType, u8Bytes(type)],
    [OPTION.serverId, ipv4ToBytes(identity)],
  ]);
}

function addLeaseTimes(options: Map<number, Uint8Array>, times: LeaseTimes): void {
  options.set(OPTION.leaseTime, u32Bytes(times.seconds));
  options.set(OPTION.renewalTime, u32Bytes(times.renewal));
  options.set(OPTION.rebindingTime, u32Bytes(times.rebinding));
}

function addNetworkOptions(
  options: Map<number, Uint8Array>,
  situation: PlacedSituation,
  subnet: ServedSubnet,
): void {
  const asked = situation.request.packet.options.get(OPTION.parameterRequestList) ?? DEFAULT_OPTIONS;
  const add = (code: number): void => {
    const value = subnet.options.get(code);
    if (value) options.set(code, value);
  };
  add(OPTION.subnetMask);
  for (const code of asked) add(code);
  if (situation.boot) for (const code of situation.boot.profile.alwaysOptions) add(code);
  if (situation.client.machine && asked.includes(OPTION.hostName)) {
    options.set(OPTION.hostName, textBytes(situation.client.machine.name));
  }
  for (const { code, value, always } of situation.rules.extraOptions) {
    if (always || asked.includes(code)) options.set(code, value);
  }
}

/** What the client or its relay wants to see again, unchanged (RFC 6842, RFC 3046 §2.2, RFC 3011). */
function addEchoes(
  options: Map<number, Uint8Array>,
  { packet }: ClientRequest,
  echo: { readonly clientId: boolean },
): void {
  const copy = (code: number): void => {
    const value = packet.options.get(code);
    if (value && value.length > 0) options.set(code, value);
  };
  if (echo.clientId) copy(OPTION.clientId);
  copy(OPTION.subnetSelection);
  copy(OPTION.relayAgent);
}

/** Boot ROMs read `file` and `sname` themselves, so only others may find options there. */
function limitsFor({ request, boot }: Situation): EncodeLimits {
  const { options } = request.packet;
  const datagram = Math.max(SMALLEST_MAXIMUM, options.u16(OPTION.maxMessageSize) ?? SMALLEST_MAXIMUM);
  return {
    maxLength: Math.min(datagram - HEADERS, LARGEST_PAYLOAD),
    overload: boot === undefined && options.has(OPTION.parameterRequestList),
  };
}
