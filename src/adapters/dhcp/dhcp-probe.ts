/** Looks for other DHCP servers by asking as a client would (D-92, D-93). */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";
import type { Mac } from "../../net/mac.ts";
import type { ForeignServer } from "../../services/dhcp/dhcp-service.ts";
import { encodeRivalProbe, readRivalOffer } from "../../services/dhcp/rival-probe.ts";
import { closeUdpSocket, isBindFailure, onDatagram, openUdpSocket } from "../udp/udp-socket.ts";

export interface DhcpProbeOptions {
  readonly interfaceAddress: string;
  /** The interface's own MAC: a switch that inspects DHCP drops any other. */
  readonly mac: Mac;
  /** Called with the transaction before it is sent, so that our own server keeps silent about it. */
  readonly expectProbe?: (xid: number) => void;
  /** Milliseconds to listen; some servers ping for three seconds before they offer. */
  readonly wait?: number;
  readonly clientPort?: number;
  readonly serverPort?: number;
}

export type DhcpProbeResult =
  | { readonly kind: "asked"; readonly servers: readonly ForeignServer[] }
  /** The question could not be put; the sentence says why. */
  | { readonly kind: "impossible"; readonly reason: string };

/** When the question is put, in milliseconds from the start: the second time in case the first was lost. */
const ASKED_AT = [0, 1000];
/** After the first answer others get this long (milliseconds) to answer too. */
const AFTER_FIRST = 500;

/** Broadcasts a DISCOVER with a private transaction and collects who offers. Binds no address, so that nothing is leased. */
export async function probeDhcpServers(options: DhcpProbeOptions): Promise<DhcpProbeResult> {
  const { interfaceAddress, clientPort = 68, serverPort = 67, wait = 4000 } = options;
  const receiver = await openUdpSocket({ address: "0.0.0.0", port: clientPort, shared: true });
  if (isBindFailure(receiver)) return { kind: "impossible", reason: receiver.message };
  const { port } = receiver.address();
  const sender = await openUdpSocket({
    address: interfaceAddress,
    port,
    shared: true,
    besideOurs: true,
    broadcast: true,
  });
  if (isBindFailure(sender)) {
    await closeUdpSocket(receiver);
    return { kind: "impossible", reason: sender.message };
  }
  try {
    return { kind: "asked", servers: await ask({ ...options, wait, serverPort }, receiver, sender) };
  } finally {
    await Promise.all([receiver, sender].map(closeUdpSocket));
  }
}

async function ask(
  options: DhcpProbeOptions & { readonly wait: number; readonly serverPort: number },
  receiver: Socket,
  sender: Socket,
): Promise<readonly ForeignServer[]> {
  const xid = randomBytes(4).readUInt32BE();
  const probe = { xid, mac: options.mac };
  options.expectProbe?.(xid);
  const servers = new Map<string, ForeignServer>();
  const take = (bytes: Buffer, from: { readonly address: string }): void => {
    const offer = readRivalOffer(bytes, probe, from);
    if (offer) servers.set(offer.server, offer);
  };
  for (const socket of [receiver, sender]) onDatagram(socket, take, () => undefined);
  const discover = encodeRivalProbe(probe);
  const step = 50;
  let left = options.wait;
  for (let waited = 0; left > 0; waited += step, left -= step) {
    if (ASKED_AT.includes(waited)) sender.send(discover, options.serverPort, "255.255.255.255");
    await delay(step);
    if (servers.size > 0) left = Math.min(left, AFTER_FIRST);
  }
  return [...servers.values()];
}
