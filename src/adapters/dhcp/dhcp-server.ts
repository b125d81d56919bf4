/** Carries datagrams between the DHCP ports and the service that answers them; decides nothing. */
import type { RemoteInfo } from "node:dgram";
import type { DhcpConfig } from "../../config/schema.ts";
import { ConflictError } from "../../domain/errors.ts";
import type { DhcpListener, DhcpOutcome, DhcpService } from "../../services/dhcp/dhcp-service.ts";
import type { Clock, ListenerStatus, Log, Service } from "../../services/ports.ts";
import { LogBudget } from "../udp/log-budget.ts";
import { type BindFailure, isBindFailure, onDatagram } from "../udp/udp-socket.ts";
import { CongestionQueue } from "./congestion-queue.ts";
import { adoptDhcpPort, closeDhcpPort, type DhcpPort, openDhcpPort } from "./dhcp-ports.ts";

/** A socket bound to its device by whoever opened it. */
export interface InheritedDhcpSocket {
  readonly fd: number;
  readonly listener: DhcpListener;
  /** The appliance's address on that interface. */
  readonly interfaceAddress: string;
}

export interface DhcpServerOptions {
  readonly service: Pick<DhcpService, "answer">;
  readonly config: Pick<DhcpConfig, "mode" | "port" | "proxyPort">;
  /** The appliance's address on the one directly attached network it serves. */
  readonly interfaceAddress: string;
  /** Replaces our own sockets; one for each interface and port. */
  readonly inherited?: readonly InheritedDhcpSocket[];
  readonly clock: Clock;
  readonly log: Log;
}

interface Arrival {
  readonly bytes: Buffer;
  readonly from: RemoteInfo;
  readonly port: DhcpPort;
  readonly receivedAt: number;
}

/** Answers under way at once: what one commit of leases can take along. */
const UNDER_WAY = 1024;
/** Datagrams waiting behind those: a room of racks powering on. */
const WAITING = 4096;
/** How long a stop waits for answers, in milliseconds. */
const DRAIN = 5000;

/** `start` fails on a taken port and degrades when the right to open it is missing. */
export class DhcpServer implements Service {
  readonly #options: DhcpServerOptions;
  readonly #queue = new CongestionQueue<Arrival>(WAITING);
  readonly #budget = new LogBudget();
  #ports: readonly DhcpPort[] = [];
  #status: ListenerStatus = { name: "dhcp", state: "off" };
  #underWay = 0;
  #idle: (() => void) | undefined;

  constructor(options: DhcpServerOptions) {
    this.#options = options;
  }

  status(): ListenerStatus {
    return this.#status;
  }

  /** Datagrams given up because newer ones pressed (D-33). */
  get dropped(): number {
    return this.#queue.dropped;
  }

  async start(): Promise<void> {
    const { config, log } = this.#options;
    if (config.mode === "off" || this.#ports.length > 0) return;
    const ports = await this.#open();
    if (isBindFailure(ports)) {
      this.#failed(ports);
      return;
    }
    this.#ports = ports;
    for (const port of ports) this.#listen(port);
    const endpoints = ports.map(({ interfaceAddress, port }) => `${interfaceAddress}:${port}/udp`);
    this.#status = { name: "dhcp", state: "listening", endpoints };
    log.info({ endpoints, mode: config.mode }, "DHCP listens");
  }

  /** Stops listening, then waits for answers under way, for a while. */
  async stop(): Promise<void> {
    const ports = this.#ports;
    this.#ports = [];
    this.#status = { name: "dhcp", state: "off" };
    for (const { receivers } of ports) for (const socket of receivers) socket.removeAllListeners("message");
    if (this.#underWay > 0) await this.#drained();
    await Promise.all(ports.map(closeDhcpPort));
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, DRAIN);
      this.#idle = () => {
        clearTimeout(deadline);
        resolve();
      };
    });
  }

  async #open(): Promise<readonly DhcpPort[] | BindFailure> {
    const { inherited = [], interfaceAddress, config } = this.#options;
    if (inherited.length > 0) return Promise.all(inherited.map(adoptDhcpPort));
    const server = await openDhcpPort({ listener: "server", interfaceAddress, port: config.port });
    if (isBindFailure(server)) return server;
    const bootServer = await openDhcpPort({
      listener: "boot-server",
      interfaceAddress,
      port: config.proxyPort,
    });
    if (!isBindFailure(bootServer)) return [server, bootServer];
    await closeDhcpPort(server);
    return bootServer;
  }

  #failed(failure: BindFailure): void {
    if (failure.kind === "port-taken") throw new ConflictError(`DHCP cannot start. ${failure.message}`);
    this.#status = { name: "dhcp", state: "degraded", problem: failure.message };
    this.#options.log.error({ listener: "dhcp" }, failure.message);
  }

  #listen(port: DhcpPort): void {
    const failed = (error: Error): void => this.#options.log.debug({ err: error }, "DHCP socket error");
    for (const socket of port.receivers) {
      onDatagram(socket, (bytes, from) => this.#take({ bytes, from, port, receivedAt: this.#now() }), failed);
    }
  }

  #take(arrival: Arrival): void {
    if (this.#underWay < UNDER_WAY) {
      this.#answer(arrival);
      return;
    }
    const before = this.#queue.dropped;
    this.#queue.push(arrival, arrival.receivedAt);
    if (this.#queue.dropped > before) this.#warnOfDrops();
  }

  #answer(arrival: Arrival): void {
    const { bytes, from, port, receivedAt } = arrival;
    this.#underWay += 1;
    this.#options.service
      .answer({
        bytes,
        source: { address: from.address, port: from.port },
        listener: port.listener,
        interfaceAddress: port.interfaceAddress,
        receivedAt,
      })
      .then(
        (outcome) => this.#send(outcome, port),
        (error: unknown) => this.#options.log.error({ err: error }, "DHCP datagram failed"),
      )
      .finally(() => this.#next());
  }

  #next(): void {
    this.#underWay -= 1;
    const waiting = this.#queue.shift(this.#now());
    if (waiting && this.#ports.length > 0) this.#answer(waiting);
    if (this.#underWay === 0) this.#idle?.();
  }

  #send(outcome: DhcpOutcome, port: DhcpPort): void {
    if (outcome.kind !== "send") return;
    const { bytes, to } = outcome;
    port.sender.send(bytes, to.port, to.address);
  }

  #warnOfDrops(): void {
    this.#budget.spend(this.#now(), (suppressed) =>
      this.#options.log.warn(
        { dropped: this.#queue.dropped, ...suppressed },
        "DHCP is overloaded: the oldest requests are dropped",
      ),
    );
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}
