/** One running transfer: it joins the state machine, the file and a way to send. */
import { type TftpTerms } from "../../protocol/tftp/options.ts";
import {
  ackedBlock,
  decodeTftp,
  encodeTftp,
  TFTP_ERROR,
  writeDataHeader,
} from "../../protocol/tftp/packet.ts";
import { Transfer, type TransferPolicy, type TransferStep } from "../../protocol/tftp/transfer.ts";
import type { TftpClient, TftpFile, TftpTransferStats } from "../../services/tftp/files.ts";

/** Sends from the address and port that this transfer's client knows. */
export interface TftpChannel {
  send(bytes: Uint8Array, to: TftpClient): void;
}

export interface TftpSessionOptions {
  readonly client: TftpClient;
  readonly path: string;
  readonly file: TftpFile;
  readonly terms: TftpTerms;
  readonly policy: TransferPolicy;
  readonly channel: TftpChannel;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly ended: (stats: TftpTransferStats) => void;
}

const HEADER = 4;

export class TftpSession {
  readonly #options: TftpSessionOptions;
  readonly #transfer: Transfer;
  readonly #startedAt: number;
  /** One datagram for each place in the window, written again for every window. */
  readonly #datagrams: readonly Buffer[];
  #next = 1;
  #until = 0;
  #sending = false;
  #packets = 0;
  #over = false;

  constructor(options: TftpSessionOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    const { file, terms, policy } = options;
    this.#transfer = new Transfer({ size: file.size, terms, policy, now: this.#startedAt });
    const slots = Math.min(terms.windowsize, this.#transfer.lastBlock);
    this.#datagrams = Array.from({ length: slots }, () => Buffer.allocUnsafe(HEADER + terms.blksize));
  }

  /** When {@link tick} is due. */
  get deadline(): number {
    return this.#transfer.deadline;
  }

  /** Whether the client has answered. */
  get proven(): boolean {
    return this.#transfer.proven;
  }

  /** Milliseconds since the client acknowledged something new. */
  get idle(): number {
    return this.#options.now() - this.#transfer.progressAt;
  }

  /** Answers the request, and its repetition while the client has not answered yet. */
  begin(): void {
    this.#perform(this.#transfer.begin(this.#options.now()));
  }

  /** Takes a datagram of this transfer's client. */
  receive(bytes: Uint8Array): void {
    if (this.#over) return;
    const block = ackedBlock(bytes);
    if (block >= 0) {
      this.#perform(this.#transfer.acknowledge(block, this.#options.now()));
      return;
    }
    const packet = decodeTftp(bytes);
    if (packet.kind === "ack") this.#perform(this.#transfer.acknowledge(packet.block, this.#options.now()));
    if (packet.kind === "error") this.#end("aborted", { code: packet.code, message: packet.message });
  }

  /** Lets time pass. */
  tick(now: number): void {
    if (!this.#over && now >= this.#transfer.deadline) this.#perform(this.#transfer.elapse(now));
  }

  /** Ends it because the server stops; the client is told. */
  stop(): void {
    this.#fail("The server stops.");
  }

  /** Ends it without a word: the client has begun anew. */
  drop(): void {
    this.#end("abandoned");
  }

  #perform(step: TransferStep): void {
    switch (step.kind) {
      case "wait":
        return;
      case "send-oack": {
        this.#send(encodeTftp({ kind: "oack", options: this.#options.terms.acknowledged }));
        return;
      }
      case "send":
        this.#next = step.from;
        this.#until = step.to;
        this.#sendBlocks();
        return;
      case "complete":
      case "unconfirmed":
      case "abandoned":
        this.#end(step.kind);
    }
  }

  /** Sends on as long as the bytes are in memory; goes on by itself when they have come from the disk. */
  #sendBlocks(): void {
    while (!this.#sending && !this.#over && this.#next <= this.#until) {
      const { file, terms } = this.#options;
      const offset = (this.#next - 1) * terms.blksize;
      const bytes = file.read(offset, Math.min(terms.blksize, file.size - offset));
      if (bytes instanceof Promise) {
        this.#sendLater(bytes, this.#next);
        return;
      }
      this.#sendBlock(bytes, this.#next++);
    }
  }

  #sendLater(bytes: Promise<Uint8Array>, block: number): void {
    this.#sending = true;
    void bytes
      .catch(() => new Uint8Array(0))
      .then((loaded) => {
        this.#sending = false;
        if (this.#over) return;
        if (this.#next === block) this.#sendBlock(loaded, this.#next++);
        this.#sendBlocks();
      });
  }

  #sendBlock(bytes: Uint8Array, block: number): void {
    const { file, terms } = this.#options;
    const expected = block === this.#transfer.lastBlock ? file.size % terms.blksize : terms.blksize;
    if (bytes.length !== expected) {
      this.#fail("The file changed.");
      return;
    }
    const datagram = this.#datagrams[block % this.#datagrams.length] ?? Buffer.alloc(0);
    writeDataHeader(datagram, block);
    datagram.set(bytes, HEADER);
    const whole = expected === terms.blksize;
    this.#send(whole ? datagram : datagram.subarray(0, HEADER + expected));
  }

  #send(bytes: Uint8Array): void {
    this.#packets += 1;
    this.#options.channel.send(bytes, this.#options.client);
  }

  #fail(message: string): void {
    if (this.#over) return;
    const error = { code: TFTP_ERROR.undefined, message };
    this.#send(encodeTftp({ kind: "error", ...error }));
    this.#end("failed", error);
  }

  #end(outcome: TftpTransferStats["outcome"], error?: TftpTransferStats["error"]): void {
    if (this.#over) return;
    this.#over = true;
    const { client, path, file, terms, ended } = this.#options;
    const { acked, retransmissions } = this.#transfer;
    file.close();
    ended({
      client,
      path,
      outcome,
      size: file.size,
      bytes: Math.min(acked * terms.blksize, file.size),
      packets: this.#packets,
      retransmissions,
      blksize: terms.blksize,
      windowsize: terms.windowsize,
      duration: this.#options.now() - this.#startedAt,
      ...(error ? { error } : {}),
    });
  }
}
