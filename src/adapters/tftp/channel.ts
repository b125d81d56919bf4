/** How a transfer talks to its client: over a port of its own (RFC 1350 section 4), or over the server's port. */
import type { RemoteInfo, Socket } from "node:dgram";
import { encodeTftp, TFTP_ERROR } from "../../protocol/tftp/packet.ts";
import type { TftpClient } from "../../services/tftp/files.ts";
import { closeUdpSocket, isBindFailure, onDatagram, openUdpSocket } from "../udp/udp-socket.ts";
import type { TftpChannel } from "./session.ts";

const UNKNOWN_TRANSFER = encodeTftp({
  kind: "error",
  code: TFTP_ERROR.unknownTransfer,
  message: "Unknown transfer ID.",
});

/**
 * Opens a port for one transfer at the address the request was sent to (T-13). Datagrams of anybody else get ERROR 5
 * and do not touch the transfer (T-11); an ERROR is never answered.
 * @returns undefined when no socket can be had; the client repeats its request
 */
export async function openTransferPort(options: {
  readonly address: string;
  readonly client: TftpClient;
  readonly receive: (bytes: Buffer) => void;
}): Promise<TftpChannel | undefined> {
  const { address, client, receive } = options;
  const socket = await openUdpSocket({ address, port: 0 });
  if (isBindFailure(socket)) return undefined;
  onDatagram(
    socket,
    (bytes, from) => {
      if (from.port === client.port && from.address === client.address) receive(bytes);
      else if (bytes[1] !== 5) sendFrom(socket, UNKNOWN_TRANSFER, from);
    },
    () => undefined,
  );
  return {
    send: (bytes, to) => sendFrom(socket, bytes, to),
    close: () => void closeUdpSocket(socket),
  };
}

/** Answers from the server's own port; closing it leaves that port open (T-12). */
export function serverPort(socket: Socket): TftpChannel {
  return { send: (bytes, to) => sendFrom(socket, bytes, to), close: () => undefined };
}

/** A datagram that cannot be sent is lost like any other: the timers repeat it. */
function sendFrom(socket: Socket, bytes: Uint8Array, to: Pick<RemoteInfo, "address" | "port">): void {
  try {
    socket.send(bytes, to.port, to.address);
  } catch {
    // The socket was closed between the datagram's arrival and its answer.
    return;
  }
}
