/** UDP sockets with the errors people meet turned into sentences they can act on. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { udpPortHolder } from "../network/port-holder.ts";

export interface UdpSocketOptions {
  readonly address: string;
  readonly port: number;
  /** May send to broadcast addresses. */
  readonly broadcast?: boolean;
  /** Shares the port with sockets of this process bound to other addresses. Other programs' sockets are still noticed. */
  readonly shared?: boolean;
  /** A socket of this process already holds the port, so that nobody else can: not looked for again. */
  readonly besideOurs?: boolean;
  /** Receive buffer in bytes that is asked for; the kernel may grant less. */
  readonly receiveBuffer?: number;
}

/** Why a socket could not be opened, with a sentence for people. */
export interface BindFailure {
  readonly kind: "port-taken" | "not-permitted" | "no-such-address" | "failed";
  readonly message: string;
}

/** Opens and binds a socket; failures are values, because a missing right must not end the process. */
export async function openUdpSocket(options: UdpSocketOptions): Promise<Socket | BindFailure> {
  if (options.shared === true && options.besideOurs !== true) {
    const alone = await bind({ ...options, shared: false });
    if (isBindFailure(alone)) return alone;
    await closeUdpSocket(alone);
  }
  return bind(options);
}

/** Tells a failure from what was opened. */
export function isBindFailure(result: object): result is BindFailure {
  return "kind" in result;
}

/** Adopts a descriptor that another program opened and bound. */
export async function adoptUdpSocket(fd: number): Promise<Socket> {
  const socket = plainSocket(false);
  const listening = once(socket, "listening");
  socket.bind({ fd });
  await listening;
  return socket;
}

/** Closes a socket and waits until it is; closing a closed one is no error. */
export async function closeUdpSocket(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    try {
      socket.close(resolve);
    } catch {
      resolve();
    }
  });
}

/** Calls `take` for every datagram; an error of the socket (an ICMP refusal, say) is passed to `failed` and nothing stops. */
export function onDatagram(
  socket: Socket,
  take: (bytes: Buffer, from: RemoteInfo) => void,
  failed: (error: Error) => void,
): void {
  socket.on("message", take);
  socket.on("error", failed);
}

async function bind(options: UdpSocketOptions): Promise<Socket | BindFailure> {
  const socket = plainSocket(options.shared === true);
  const listening = once(socket, "listening");
  try {
    socket.bind({ address: options.address, port: options.port, exclusive: true });
    await listening;
  } catch (error) {
    await closeUdpSocket(socket);
    return explain(error, options);
  }
  if (options.broadcast === true) socket.setBroadcast(true);
  if (options.receiveBuffer !== undefined) enlarge(socket, options.receiveBuffer);
  return socket;
}

/** Destinations are always address literals: the resolver, which costs a tick per datagram, is left out. */
function plainSocket(reuseAddr: boolean): Socket {
  return createSocket({
    type: "udp4",
    reuseAddr,
    lookup: (address, _options, callback) => callback(null, address, 4),
  });
}

/** Containers may forbid a larger buffer; the default still works. */
function enlarge(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes);
  } catch {
    socket.setRecvBufferSize(socket.getRecvBufferSize());
  }
}

async function explain(error: unknown, options: UdpSocketOptions): Promise<BindFailure> {
  const { address, port } = options;
  switch ((error as NodeJS.ErrnoException).code ?? "") {
    case "EADDRINUSE": {
      const holder = (await udpPortHolder(port)) ?? "another process";
      return { kind: "port-taken", message: `UDP port ${port} is taken by ${holder}.` };
    }
    case "EACCES":
    case "EPERM":
      return { kind: "not-permitted", message: `No right to open UDP port ${port}: ${RIGHTS_FIX}` };
    case "EADDRNOTAVAIL":
      return {
        kind: "no-such-address",
        message: `This host has no address ${address}: check network.address.`,
      };
    default:
      return { kind: "failed", message: `UDP port ${port} on ${address} cannot be opened: ${String(error)}` };
  }
}

/** Ports below 1024 need the right to bind them. */
const RIGHTS_FIX =
  "run the systemd unit, start with sudo, or give the right to this Node once with " +
  `\`sudo setcap cap_net_bind_service=+ep ${process.execPath}\`.`;
