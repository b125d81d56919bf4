/** The TFTP server's sockets and its life; what it answers is in requests.ts. Read only. */
import type { Socket } from "node:dgram";
import { ConflictError } from "../../domain/errors.ts";
import type { ListenerStatus, Service } from "../../services/ports.ts";
import {
  type BindFailure,
  closeUdpSocket,
  isBindFailure,
  onDatagram,
  openUdpSocket,
} from "../udp/udp-socket.ts";
import { openTransferPorts } from "./channel.ts";
import { type RequestListener, TftpRequests, type TftpRequestsOptions } from "./requests.ts";

export interface TftpServerOptions extends TftpRequestsOptions {
  /** Local addresses to listen on, one socket each, so that a reply leaves from the address asked (T-13). */
  readonly addresses: readonly string[];
  /** Sockets that systemd opened, in place of our own; transfers then get their ports at the address given. */
  readonly inherited?: readonly TftpListener[];
}

/** A socket on the server's port, and the address at which its transfers get theirs. */
export interface TftpListener {
  readonly socket: Socket;
  readonly address: string;
}

interface Wanted {
  readonly address: string;
  readonly socket?: Socket;
}

interface OpenListener extends RequestListener {
  readonly address: string;
}

const RECEIVE_BUFFER = 4 * 1024 * 1024;
/** How often deadlines are looked at, in milliseconds. */
const TICK = 50;

/** A read-only TFTP server; `start` fails on a taken port and degrades when the right to open it is missing. */
export class TftpServer implements Service {
  readonly #options: TftpServerOptions;
  readonly #requests: TftpRequests;
  #listeners: readonly OpenListener[] = [];
  #status: ListenerStatus = { name: "tftp", state: "off" };
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TftpServerOptions) {
    this.#options = options;
    this.#requests = new TftpRequests(options);
  }

  /** Transfers running now. */
  get active(): number {
    return this.#requests.active;
  }

  status(): ListenerStatus {
    return this.#status;
  }

  async start(): Promise<void> {
    if (this.#timer) return;
    const failure = await this.#listen();
    if (failure) {
      this.#failed(failure);
      return;
    }
    for (const listener of this.#listeners) this.#serve(listener);
    this.#timer = setInterval(() => this.#requests.tick(this.#options.clock.monotonic()), TICK);
    const endpoints = this.#listeners.map(({ address, socket }) => `${address}:${socket.address().port}/udp`);
    this.#status = { name: "tftp", state: "listening", endpoints };
    this.#options.log.info({ endpoints }, "TFTP listens");
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#requests.stop();
    const listeners = this.#listeners;
    this.#listeners = [];
    await Promise.all(listeners.map(closeListener));
    this.#status = { name: "tftp", state: "off" };
  }

  async #listen(): Promise<BindFailure | undefined> {
    const { inherited = [], addresses } = this.#options;
    const wanted: readonly Wanted[] =
      inherited.length > 0 ? inherited : addresses.map((address) => ({ address }));
    const listeners: OpenListener[] = [];
    for (const each of wanted) {
      const listener = await this.#open(each);
      if (isBindFailure(listener)) {
        await Promise.all(listeners.map(closeListener));
        return listener;
      }
      listeners.push(listener);
    }
    this.#listeners = listeners;
    return undefined;
  }

  async #open({ address, socket: given }: Wanted): Promise<OpenListener | BindFailure> {
    const { port, singlePort } = this.#options.config;
    const socket = given ?? (await openUdpSocket({ address, port, receiveBuffer: RECEIVE_BUFFER }));
    if (isBindFailure(socket)) return socket;
    const transferPorts = singlePort ? [] : await openTransferPorts(address);
    if (!isBindFailure(transferPorts)) return { address, socket, transferPorts };
    await closeUdpSocket(socket);
    return transferPorts;
  }

  #failed(failure: BindFailure): void {
    if (failure.kind === "port-taken") throw new ConflictError(`TFTP cannot start. ${failure.message}`);
    this.#status = { name: "tftp", state: "degraded", problem: failure.message };
    this.#options.log.error({ listener: "tftp" }, failure.message);
  }

  #serve(listener: OpenListener): void {
    const failed = (error: Error): void => this.#options.log.debug({ err: error }, "TFTP socket error");
    onDatagram(listener.socket, (bytes, from) => this.#requests.receive(bytes, from, listener), failed);
    for (const socket of listener.transferPorts) {
      onDatagram(socket, (bytes, from) => this.#requests.receiveOnTransferPort(bytes, from, socket), failed);
    }
  }
}

async function closeListener({ socket, transferPorts }: OpenListener): Promise<void> {
  await Promise.all([socket, ...transferPorts].map(closeUdpSocket));
}
