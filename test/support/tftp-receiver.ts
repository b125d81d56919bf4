/** A TFTP receiver that can misbehave: it loses and repeats ACKs, asks odd things and counts what it is sent. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { decodeTftp, encodeTftp, type TftpOption } from "../../src/protocol/tftp/packet.ts";

export interface ReceiverOptions {
  readonly port: number;
  readonly address?: string;
  /** Local address to ask from. */
  readonly from?: string;
  readonly path: string;
  readonly mode?: string;
  readonly options?: Readonly<Record<string, string>>;
  /** Share of ACKs sent twice, 0 to 1. */
  readonly duplicateAcks?: number;
  /** Share of ACKs never sent, and of DATA never looked at, 0 to 1. */
  readonly loss?: number;
  /** Answers the OACK with this ERROR code, as EDK2 does after its size probe. */
  readonly abortWith?: number;
  /** Milliseconds in which it must end; 20,000 when left out. */
  readonly timeout?: number;
  /** Milliseconds after which a request or ACK is repeated. */
  readonly repeatAfter?: number;
}

export interface Received {
  readonly outcome: "complete" | "error" | "aborted" | "timeout";
  readonly bytes: Buffer;
  /** DATA datagrams that arrived, those it "lost" included. */
  readonly packets: number;
  readonly oack: Readonly<Record<string, string>> | undefined;
  readonly error?: { readonly code: number; readonly message: string };
  /** Port the answers came from. */
  readonly serverPort: number;
}

/** Fetches one file and tells how it went; never rejects for what the server does. */
export function receive(options: ReceiverOptions): Promise<Received> {
  return new Promise((resolve) => new Receiver(options, resolve));
}

class Receiver {
  readonly #options: ReceiverOptions;
  readonly #resolve: (received: Received) => void;
  readonly #socket: Socket = createSocket("udp4");
  readonly #chunks: Buffer[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #peer: RemoteInfo | undefined;
  #oack: Record<string, string> | undefined;
  #blksize = 512;
  #windowsize = 1;
  #received = 0;
  #sinceAck = 0;
  #gapAcked = false;
  #packets = 0;
  #lastHeard = performance.now();

  constructor(options: ReceiverOptions, resolve: (received: Received) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#socket.on("message", (bytes, from) => this.#take(bytes, from));
    this.#socket.bind({ port: 0, address: options.from ?? "0.0.0.0" }, () => this.#ask());
    this.#timers.push(setTimeout(() => this.#end("timeout"), options.timeout ?? 20_000));
    this.#timers.push(setInterval(() => this.#repeat(), 50));
  }

  #ask(): void {
    const { path, mode = "octet", options = {}, port, address = "127.0.0.1" } = this.#options;
    const list: TftpOption[] = Object.entries(options).map(([name, value]) => ({ name, value }));
    this.#socket.send(encodeTftp({ kind: "read", path, mode, options: list }), port, address);
  }

  #repeat(): void {
    if (performance.now() - this.#lastHeard < (this.#options.repeatAfter ?? 1000)) return;
    this.#lastHeard = performance.now();
    if (this.#peer === undefined) this.#ask();
    else this.#acknowledge();
  }

  #take(bytes: Buffer, from: RemoteInfo): void {
    this.#lastHeard = performance.now();
    const packet = decodeTftp(bytes);
    if (this.#peer && this.#peer.port !== from.port) return;
    this.#peer = from;
    if (packet.kind === "error") {
      this.#end("error", { code: packet.code, message: packet.message });
      return;
    }
    if (packet.kind === "oack") {
      this.#agree(packet.options);
      return;
    }
    if (packet.kind === "data") this.#store(packet.block, packet.data);
  }

  #agree(options: readonly TftpOption[]): void {
    if (this.#received > 0) return;
    this.#oack = Object.fromEntries(options.map(({ name, value }) => [name.toLowerCase(), value]));
    this.#blksize = Number(this.#oack["blksize"] ?? 512);
    this.#windowsize = Number(this.#oack["windowsize"] ?? 1);
    const { abortWith } = this.#options;
    if (abortWith === undefined) {
      this.#acknowledge();
      return;
    }
    this.#send(encodeTftp({ kind: "error", code: abortWith, message: "User aborted the transfer" }));
    this.#end("aborted");
  }

  #store(block: number, data: Uint8Array): void {
    this.#packets += 1;
    if (this.#chance(this.#options.loss)) return;
    if (block !== ((this.#received + 1) & 0xffff)) {
      if (!this.#gapAcked) this.#acknowledge();
      this.#gapAcked = true;
      return;
    }
    this.#gapAcked = false;
    this.#received += 1;
    this.#sinceAck += 1;
    this.#chunks.push(Buffer.from(data));
    const last = data.length < this.#blksize;
    if (last || this.#sinceAck >= this.#windowsize) this.#acknowledge(last);
    if (last) this.#end("complete");
  }

  #acknowledge(certain = false): void {
    this.#sinceAck = 0;
    if (!certain && this.#chance(this.#options.loss)) return;
    const ack = encodeTftp({ kind: "ack", block: this.#received & 0xffff });
    this.#send(ack);
    if (this.#chance(this.#options.duplicateAcks)) this.#send(ack);
  }

  #send(bytes: Uint8Array): void {
    if (this.#peer) this.#socket.send(bytes, this.#peer.port, this.#peer.address);
  }

  #chance(share = 0): boolean {
    return share > 0 && Math.random() < share;
  }

  #end(outcome: Received["outcome"], error?: Received["error"]): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#socket.removeAllListeners("message");
    // The last ACK may still be on its way out.
    setImmediate(() => this.#socket.close());
    this.#resolve({
      outcome,
      bytes: Buffer.concat(this.#chunks),
      packets: this.#packets,
      oack: this.#oack,
      serverPort: this.#peer?.port ?? 0,
      ...(error ? { error } : {}),
    });
  }
}
