/** Receives syslog by UDP from installers. What it hears is for people to read; nothing here causes anything. */
import type { Socket } from "node:dgram";
import { ConflictError } from "../../domain/errors.ts";
import { parseSyslog, type SyslogMessage } from "../../protocol/syslog.ts";
import type { Clock, ListenerStatus, Log, Service } from "../../services/ports.ts";
import {
  adoptUdpSocket,
  type BindFailure,
  closeUdpSocket,
  isBindFailure,
  onDatagram,
  openUdpSocket,
} from "../udp/udp-socket.ts";
import { SourceRates } from "./source-rates.ts";

/** A message and where it came from: an address is evidence, not identity. */
export interface ReceivedSyslog extends SyslogMessage {
  readonly address: string;
}

export interface SyslogReceiverOptions {
  readonly address: string;
  readonly port: number;
  /** A socket systemd opened, in place of our own. */
  readonly inheritedFd?: number;
  /** Finds the machine behind the address and keeps the line; must not throw. */
  readonly receive: (message: ReceivedSyslog) => void;
  readonly clock: Clock;
  readonly log: Log;
}

const RECEIVE_BUFFER = 1024 * 1024;

/** `start` fails on a taken port and degrades when the right to open it is missing. */
export class SyslogReceiver implements Service {
  readonly #options: SyslogReceiverOptions;
  readonly #rates = new SourceRates();
  #socket: Socket | undefined;
  #status: ListenerStatus = { name: "syslog", state: "off" };
  #dropped = 0;

  constructor(options: SyslogReceiverOptions) {
    this.#options = options;
  }

  /** Lines dropped because their source sent too many. */
  get dropped(): number {
    return this.#dropped;
  }

  status(): ListenerStatus {
    return this.#status;
  }

  async start(): Promise<void> {
    if (this.#socket) return;
    const socket = await this.#open();
    if (isBindFailure(socket)) {
      this.#failed(socket);
      return;
    }
    onDatagram(
      socket,
      (bytes, from) => this.#take(bytes, from.address),
      (error) => this.#options.log.debug({ err: error }, "syslog socket error"),
    );
    this.#socket = socket;
    const endpoint = `${this.#options.address}:${socket.address().port}/udp`;
    this.#status = { name: "syslog", state: "listening", endpoints: [endpoint] };
  }

  async stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#status = { name: "syslog", state: "off" };
    if (socket) await closeUdpSocket(socket);
  }

  #open(): Promise<Socket | BindFailure> {
    const { address, port, inheritedFd } = this.#options;
    if (inheritedFd !== undefined) return adoptUdpSocket(inheritedFd);
    return openUdpSocket({ address, port, receiveBuffer: RECEIVE_BUFFER });
  }

  #failed(failure: BindFailure): void {
    if (failure.kind === "port-taken") throw new ConflictError(`Syslog cannot start. ${failure.message}`);
    this.#status = { name: "syslog", state: "degraded", problem: failure.message };
    this.#options.log.error({ listener: "syslog" }, failure.message);
  }

  #take(bytes: Buffer, address: string): void {
    if (!this.#rates.admit(address, this.#options.clock.monotonic())) {
      this.#dropped += 1;
      return;
    }
    this.#options.receive({ ...parseSyslog(bytes), address });
  }
}
