/**
 * The sockets of one DHCP port. Node sees neither the interface a datagram came in by nor can it choose the one it leaves by.
 * So broadcasts are received on the wildcard address, and everything is sent from a socket bound to the interface's own address:
 * that alone gives the replies the right source port (D-71), source address and way out (D-67…D-70).
 */
import type { Socket } from "node:dgram";
import type { DhcpListener } from "../../services/dhcp/dhcp-service.ts";
import {
  adoptUdpSocket,
  type BindFailure,
  closeUdpSocket,
  isBindFailure,
  openUdpSocket,
} from "../udp/udp-socket.ts";

/** One port at one interface. */
export interface DhcpPort {
  readonly listener: DhcpListener;
  readonly interfaceAddress: string;
  readonly port: number;
  /** Sockets that datagrams arrive on. */
  readonly receivers: readonly Socket[];
  readonly sender: Socket;
}

const RECEIVE_BUFFER = 8 * 1024 * 1024;

/** Opens the two sockets of a port; nothing stays open when one of them fails. */
export async function openDhcpPort(wanted: {
  readonly listener: DhcpListener;
  readonly interfaceAddress: string;
  readonly port: number;
}): Promise<DhcpPort | BindFailure> {
  const { interfaceAddress, port } = wanted;
  const common = { shared: true, broadcast: true, receiveBuffer: RECEIVE_BUFFER };
  const wildcard = await openUdpSocket({ ...common, address: "0.0.0.0", port });
  if (isBindFailure(wildcard)) return wildcard;
  const bound = wildcard.address().port;
  const own = await openUdpSocket({ ...common, address: interfaceAddress, port: bound, besideOurs: true });
  if (isBindFailure(own)) {
    await closeUdpSocket(wildcard);
    return own;
  }
  return { ...wanted, port: bound, receivers: [wildcard, own], sender: own };
}

/** Adopts a socket that is bound to its device: it receives that interface's datagrams only and answers there. */
export async function adoptDhcpPort(wanted: {
  readonly fd: number;
  readonly listener: DhcpListener;
  readonly interfaceAddress: string;
}): Promise<DhcpPort> {
  const { listener, interfaceAddress } = wanted;
  const socket = await adoptUdpSocket(wanted.fd);
  socket.setBroadcast(true);
  return { listener, interfaceAddress, port: socket.address().port, receivers: [socket], sender: socket };
}

/** Closes every socket of the port. */
export async function closeDhcpPort(port: DhcpPort): Promise<void> {
  await Promise.all(port.receivers.map(closeUdpSocket));
}
