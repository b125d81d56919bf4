/** From a datagram on the server's port to a running transfer, an ERROR, or silence. */
import type { Socket } from "node:dgram";
import type { TftpConfig } from "../../config/schema.ts";
import { toNetascii } from "../../protocol/tftp/netascii.ts";
import { negotiate } from "../../protocol/tftp/options.ts";
import { decodeTftp, encodeTftp, TFTP_ERROR, type TftpRequest } from "../../protocol/tftp/packet.ts";
import { tftpPath } from "../../protocol/tftp/path.ts";
import type { Clock, Log } from "../../services/ports.ts";
import type { TftpClient, TftpFile, TftpFiles, TftpTransferStats } from "../../services/tftp/files.ts";
import { LogBudget } from "../udp/log-budget.ts";
import { channelOver } from "./channel.ts";
import { memoryFile, readWhole } from "./memory-file.ts";
import { TftpSession } from "./session.ts";
import { type RunningTransfer, TransferTable } from "./transfer-table.ts";

export interface TftpRequestsOptions {
  readonly config: TftpConfig;
  readonly files: TftpFiles;
  readonly clock: Clock;
  readonly log: Log;
  readonly onTransfer?: (stats: TftpTransferStats) => void;
}

/** A socket on the server's port, and those that its transfers talk through; none in single-port mode (T-12). */
export interface RequestListener {
  readonly socket: Socket;
  readonly transferPorts: readonly Socket[];
}

/** A client silent for this long (milliseconds) that asks again from the same port has started over. */
const STARTED_OVER_AFTER = 5000;
/** Texts are converted in memory; nothing larger is served as netascii. */
const NETASCII_LIMIT = 4 * 1024 * 1024;
/** An ERROR answers only a request at least as long as itself: nonsense is never amplified. */
const SHORTEST_ANSWERED = 5;
const UNKNOWN_TRANSFER = encodeTftp({
  kind: "error",
  code: TFTP_ERROR.unknownTransfer,
  message: "Unknown transfer ID.",
});

export class TftpRequests {
  readonly #options: TftpRequestsOptions;
  readonly #table: TransferTable;
  readonly #budget = new LogBudget();

  constructor(options: TftpRequestsOptions) {
    this.#options = options;
    const { maxTransfers, maxTransfersPerClient } = options.config;
    this.#table = new TransferTable({ total: maxTransfers, perClient: maxTransfersPerClient });
  }

  /** Transfers running now. */
  get active(): number {
    return this.#table.size;
  }

  /** Takes a datagram that arrived on the server's port. */
  receive(bytes: Buffer, client: TftpClient, listener: RequestListener): void {
    const running = this.#table.find(client);
    if (running && !isRequest(bytes)) {
      if (running.socket === listener.socket) running.session?.receive(bytes);
      return;
    }
    if (running && !this.#beginsAnew(running, bytes, listener)) return;
    const packet = decodeTftp(bytes);
    if (packet.kind === "read") {
      this.#read(packet, bytes, client, listener);
      return;
    }
    if (packet.kind === "write") {
      this.#refuse(client, listener, packet.path, TFTP_ERROR.accessViolation, "Read only.");
      return;
    }
    if (packet.kind === "malformed" && packet.request && bytes.length >= SHORTEST_ANSWERED) {
      this.#refuse(client, listener, "", TFTP_ERROR.illegalOperation, "");
    }
  }

  /**
   * Takes a datagram that arrived on a transfer port. A stranger gets ERROR 5 and touches no transfer (T-11); a late ACK of a
   * transfer that ended, and any ERROR, is nothing to answer.
   */
  receiveOnTransferPort(bytes: Buffer, client: TftpClient, socket: Socket): void {
    const running = this.#table.find(client);
    if (running?.socket === socket) {
      running.session?.receive(bytes);
      return;
    }
    if (isError(bytes) || this.#table.hasEnded(client)) return;
    channelOver(socket).send(UNKNOWN_TRANSFER, client);
  }

  /** Repeats what was not acknowledged and ends what has no hope. */
  tick(now: number): void {
    for (const session of this.#table.sessions()) session.tick(now);
  }

  /** Ends every transfer; clients are told. */
  stop(): void {
    for (const session of this.#table.sessions()) session.stop();
  }

  /**
   * A repeated request is answered again while its client has not heard from us (T-19), and ignored while its transfer moves: it
   * waited in a queue. Otherwise the client has started over with the same port.
   */
  #beginsAnew(running: RunningTransfer, bytes: Buffer, listener: RequestListener): boolean {
    const { session } = running;
    const repeated = running.askedAt === listener.socket && running.request.equals(bytes);
    if (repeated && session === undefined) return false;
    if (repeated && session && !session.proven) {
      session.begin();
      return false;
    }
    if (repeated && session && session.idle < STARTED_OVER_AFTER) return false;
    session?.drop();
    this.#table.remove(running);
    return true;
  }

  #read(request: TftpRequest, bytes: Buffer, client: TftpClient, listener: RequestListener): void {
    if (request.mode !== "octet" && request.mode !== "netascii") {
      this.#refuse(client, listener, request.path, TFTP_ERROR.illegalOperation, "Unknown mode.");
      return;
    }
    const path = tftpPath(request.path);
    if (path === undefined) {
      this.#refuse(client, listener, request.path, TFTP_ERROR.accessViolation, "Path refused.");
      return;
    }
    const { address, port } = client;
    const running = {
      client: { address, port },
      request: Buffer.from(bytes),
      askedAt: listener.socket,
      socket: pick(listener),
    };
    if (!this.#table.admit(running)) {
      this.#overLimit(client, path);
      return;
    }
    this.#open({ running, request, path, listener }).catch((error: unknown) => {
      this.#table.remove(running);
      this.#refuse(client, listener, path, TFTP_ERROR.undefined, "Internal error.");
      this.#options.log.error({ err: error, path }, "TFTP request failed");
    });
  }

  async #open(asked: {
    running: RunningTransfer;
    request: TftpRequest;
    path: string;
    listener: RequestListener;
  }): Promise<void> {
    const { running, request, path, listener } = asked;
    const opened = await this.#options.files.open(path, running.client);
    if (opened.kind !== "file") {
      this.#table.remove(running);
      if (opened.kind === "denied") {
        this.#refuse(running.client, listener, path, TFTP_ERROR.accessViolation, "Access denied.");
        return;
      }
      this.#refuse(running.client, listener, path, TFTP_ERROR.notFound, "File not found.");
      return;
    }
    const file = await forMode(opened.file, request.mode);
    if (file) {
      this.#start({ running, request, path, file });
      return;
    }
    opened.file.close();
    this.#table.remove(running);
    this.#refuse(running.client, listener, path, TFTP_ERROR.undefined, "Too large for netascii.");
  }

  #start(ready: { running: RunningTransfer; request: TftpRequest; path: string; file: TftpFile }): void {
    const { running, request, path, file } = ready;
    const { config, clock } = this.#options;
    const session = new TftpSession({
      client: running.client,
      path,
      file,
      channel: channelOver(running.socket),
      terms: negotiate(request, file.size, config),
      policy: { timeout: config.timeoutSeconds * 1000, abandonAfter: config.abandonSeconds * 1000 },
      now: () => clock.monotonic(),
      ended: (stats) => {
        this.#table.remove(running);
        this.#report(stats);
      },
    });
    running.session = session;
    session.begin();
  }

  #refuse(client: TftpClient, listener: RequestListener, path: string, code: number, message: string): void {
    const answer = encodeTftp({ kind: "error", code, message });
    channelOver(listener.socket).send(answer, client);
    const nothing = {
      size: 0,
      bytes: 0,
      packets: 1,
      retransmissions: 0,
      blksize: 0,
      windowsize: 0,
      duration: 0,
    };
    this.#report({ client, path, outcome: "refused", ...nothing, error: { code, message } });
  }

  #report(stats: TftpTransferStats): void {
    this.#options.onTransfer?.(stats);
    const { client, duration, ...facts } = stats;
    const fields = { client: client.address, ...facts, duration: Math.round(duration) };
    this.#budget.spend(this.#options.clock.monotonic(), (suppressed) =>
      this.#options.log.info({ ...fields, ...suppressed }, `TFTP ${stats.outcome}`),
    );
  }

  #overLimit(client: TftpClient, path: string): void {
    this.#budget.spend(this.#options.clock.monotonic(), (suppressed) =>
      this.#options.log.warn(
        { client: client.address, path, active: this.#table.size, ...suppressed },
        "TFTP request left unanswered: too many transfers",
      ),
    );
  }
}

function isRequest(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && (bytes[1] === 1 || bytes[1] === 2);
}

function isError(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 5;
}

function pick({ socket, transferPorts }: RequestListener): Socket {
  return transferPorts[Math.floor(Math.random() * transferPorts.length)] ?? socket;
}

async function forMode(file: TftpFile, mode: string): Promise<TftpFile | undefined> {
  if (mode !== "netascii") return file;
  const bytes = await readWhole(file, NETASCII_LIMIT);
  if (!bytes) return undefined;
  file.close();
  return memoryFile(toNetascii(bytes));
}
