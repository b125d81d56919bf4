/** The transfers running now, by the address and port of their client, and the limits on their number. */
import type { Socket } from "node:dgram";
import type { TftpClient } from "../../services/tftp/files.ts";
import type { TftpSession } from "./session.ts";

/** A request under way: `session` is missing while its file is being opened. */
export interface RunningTransfer {
  readonly client: TftpClient;
  /** The datagram that asked, to know its repetition. */
  readonly request: Buffer;
  /** The server's socket that the request came to. */
  readonly askedAt: Socket;
  /** The socket that this transfer talks through. */
  readonly socket: Socket;
  session?: TftpSession;
}

/** Ended transfers remembered, so that their clients' late ACKs are known for what they are. */
const REMEMBERED = 4096;

export class TransferTable {
  readonly #limits: { readonly total: number; readonly perClient: number };
  readonly #running = new Map<string, Map<number, RunningTransfer>>();
  readonly #ended = new Set<string>();
  #size = 0;

  constructor(limits: { readonly total: number; readonly perClient: number }) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  find(client: TftpClient): RunningTransfer | undefined {
    return this.#running.get(client.address)?.get(client.port);
  }

  /** Whether a transfer of that client ended not long ago. */
  hasEnded(client: TftpClient): boolean {
    return this.#ended.has(`${client.address}:${client.port}`);
  }

  /** Takes a place; false above a limit, where staying silent makes the client ask again (T-26). */
  admit(running: RunningTransfer): boolean {
    const { address, port } = running.client;
    const own = this.#running.get(address) ?? new Map<number, RunningTransfer>();
    if (this.#size >= this.#limits.total || own.size >= this.#limits.perClient) return false;
    own.set(port, running);
    this.#running.set(address, own);
    this.#size += 1;
    return true;
  }

  /** Gives the place back; idempotent. */
  remove(running: RunningTransfer): void {
    const { address, port } = running.client;
    const own = this.#running.get(address);
    if (own?.get(port) !== running) return;
    own.delete(port);
    if (own.size === 0) this.#running.delete(address);
    this.#size -= 1;
    this.#remember(`${address}:${port}`);
  }

  /** Every session; they may end while this is walked. */
  *sessions(): Generator<TftpSession> {
    for (const own of this.#running.values()) {
      for (const { session } of own.values()) if (session) yield session;
    }
  }

  #remember(key: string): void {
    this.#ended.add(key);
    const oldest = this.#ended.values().next();
    if (this.#ended.size > REMEMBERED && oldest.done !== true) this.#ended.delete(oldest.value);
  }
}
