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
import { type TftpListener, TftpRequests, type TftpRequestsOptions } from "./requests.ts";

export interface TftpServerOptions extends TftpRequestsOptions {
  /** Local addresses to listen on, one socket each, so that a reply leaves from the address asked (T-13). */
  readonly addresses: readonly string[];
  /** Sockets that systemd opened, in place of our own; transfers then get their ports at the address given. */
  readonly inherited?: readonly TftpListener[];
}

const RECEIVE_BUFFER = 4 * 1024 * 1024;
/** How often deadlines are looked at, in milliseconds. */
const TICK = 50;

/** A read-only TFTP server; `start` fails on a taken port and degrades when the right to open it is missing. */
export class TftpServer implements Service {
  readonly #options: TftpServerOptions;
  readonly #requests: TftpRequests;
  #listeners: readonly TftpListener[] = [];
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
    if (failure) return this.#failed(failure);
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
    await Promise.all(listeners.map(({ socket }) => closeUdpSocket(socket)));
    this.#status = { name: "tftp", state: "off" };
  }

  async #listen(): Promise<BindFailure | undefined> {
    const { inherited = [], addresses, config } = this.#options;
    const listeners: TftpListener[] = [...inherited];
    for (const address of inherited.length > 0 ? [] : addresses) {
      const options = { address, port: config.port, receiveBuffer: RECEIVE_BUFFER };
      const socket: Socket | BindFailure = await openUdpSocket(options);
      if (isBindFailure(socket)) {
        await Promise.all(listeners.map((listener) => closeUdpSocket(listener.socket)));
        return socket;
      }
      listeners.push({ socket, address });
    }
    this.#listeners = listeners;
    return undefined;
  }

  async #failed(failure: BindFailure): Promise<void> {
    if (failure.kind === "port-taken") throw new ConflictError(`TFTP cannot start. ${failure.message}`);
    this.#status = { name: "tftp", state: "degraded", problem: failure.message };
    this.#options.log.error({ listener: "tftp" }, failure.message);
    return Promise.resolve();
  }

  #serve(listener: TftpListener): void {
    onDatagram(
      listener.socket,
      (bytes, from) => this.#requests.receive(bytes, { address: from.address, port: from.port }, listener),
      (error) => this.#options.log.debug({ err: error }, "TFTP socket error"),
    );
  }
}
