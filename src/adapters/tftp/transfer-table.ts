/** The transfers running now, by the address and port of their client, and the limits on their number. */
import type { TftpClient } from "../../services/tftp/files.ts";
import type { TftpSession } from "./session.ts";

/** A request under way: `session` is missing while its file is being opened. */
export interface RunningTransfer {
  readonly client: TftpClient;
  /** The datagram that asked, to know its repetition. */
  readonly request: Buffer;
  session?: TftpSession;
}

export class TransferTable {
  readonly #limits: { readonly total: number; readonly perClient: number };
  readonly #running = new Map<string, RunningTransfer>();
  readonly #perClient = new Map<string, number>();

  constructor(limits: { readonly total: number; readonly perClient: number }) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#running.size;
  }

  find(client: TftpClient): RunningTransfer | undefined {
    return this.#running.get(keyOf(client));
  }

  /** Takes a place; undefined above a limit, where staying silent makes the client ask again (T-26). */
  admit(client: TftpClient, request: Buffer): RunningTransfer | undefined {
    const { total, perClient } = this.#limits;
    const own = this.#perClient.get(client.address) ?? 0;
    if (this.#running.size >= total || own >= perClient) return undefined;
    const running: RunningTransfer = { client, request };
    this.#running.set(keyOf(client), running);
    this.#perClient.set(client.address, own + 1);
    return running;
  }

  /** Gives the place back; idempotent. */
  remove(running: RunningTransfer): void {
    const { client } = running;
    if (this.#running.get(keyOf(client)) !== running) return;
    this.#running.delete(keyOf(client));
    const own = (this.#perClient.get(client.address) ?? 1) - 1;
    if (own > 0) this.#perClient.set(client.address, own);
    else this.#perClient.delete(client.address);
  }

  /** Every session; they may end while this is walked. */
  *sessions(): Generator<TftpSession> {
    for (const { session } of this.#running.values()) if (session) yield session;
  }
}

function keyOf(client: TftpClient): string {
  return `${client.address}:${client.port}`;
}
