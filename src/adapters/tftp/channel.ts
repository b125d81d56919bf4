/**
 * The sockets that transfers talk through. RFC 1350 section 4 wants a port of its own for each; what a client needs is only that it
 * is not the server's and does not change. So a few ephemeral ports are shared, which spares a socket for every transfer and
 * reads many clients' datagrams in one go.
 */
import type { Socket } from "node:dgram";
import type { TftpClient } from "../../services/tftp/files.ts";
import { type BindFailure, closeUdpSocket, isBindFailure, openUdpSocket } from "../udp/udp-socket.ts";
import type { TftpChannel } from "./session.ts";

/** Ports that transfers are spread over. */
const TRANSFER_PORTS = 8;
const RECEIVE_BUFFER = 4 * 1024 * 1024;

/** Opens the ports at the address the requests are sent to, so that replies leave from there (T-13). */
export async function openTransferPorts(address: string): Promise<readonly Socket[] | BindFailure> {
  const sockets: Socket[] = [];
  while (sockets.length < TRANSFER_PORTS) {
    const socket = await openUdpSocket({ address, port: 0, receiveBuffer: RECEIVE_BUFFER });
    if (isBindFailure(socket)) {
      await Promise.all(sockets.map(closeUdpSocket));
      return socket;
    }
    sockets.push(socket);
  }
  return sockets;
}

/** A way to answer through a socket that stays open for others. */
export function channelOver(socket: Socket): TftpChannel {
  return {
    send: (bytes: Uint8Array, to: TftpClient) => {
      try {
        socket.send(bytes, to.port, to.address);
      } catch {
        // The server stops: the socket was closed between the datagram's arrival and its answer.
        return;
      }
    },
  };
}
