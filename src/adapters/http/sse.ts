/** Server-sent events: a backlog, then what happens, with a heartbeat, for as long as the reader keeps up. */
import type { Response } from "express";

/** One message. `id` is what a reader sends back as `Last-Event-ID`. */
export interface FeedItem {
  readonly id: number;
  readonly event?: string;
  readonly data: unknown;
}

/** Something to follow: what was, from an id on, and what comes. */
export interface Feed {
  /** Items after an id, oldest first, at most a page; empty when there are no more. */
  readonly backlog: (after: number) => Promise<readonly FeedItem[]>;
  readonly subscribe: (listener: (item: FeedItem) => void) => () => void;
  /** Where the reader stands; undefined for "only what is new". */
  readonly after: number | undefined;
}

const HEARTBEAT_MS = 15_000;
/** A reader this far behind is let go; it reconnects and resumes by its last id. */
const MAX_BUFFERED_BYTES = 1_048_576;
const MAX_PENDING_ITEMS = 2000;

export interface FeedOptions {
  readonly signal: AbortSignal;
  /** Asked with each heartbeat: a reader whose token was revoked meanwhile is let go. */
  readonly allowed?: () => boolean;
  readonly heartbeatMs?: number;
}

/**
 * Streams a feed until the reader leaves, falls too far behind, or the signal ends it. Nothing is sent twice and
 * nothing is left out: the subscription starts before the backlog is read, and ids decide.
 */
export async function streamFeed(response: Response, feed: Feed, options: FeedOptions): Promise<void> {
  response.writeHead(200, {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
  });
  response.write("retry: 2000\n\n");
  const reader = new FeedReader(response, feed.after ?? 0);
  const unsubscribe = feed.subscribe((item) => reader.offer(item));
  const heartbeat = setInterval(() => {
    if (options.allowed?.() === false) reader.end();
    else reader.comment("still here");
  }, options.heartbeatMs ?? HEARTBEAT_MS);
  const stop = (): void => reader.end();
  options.signal.addEventListener("abort", stop, { once: true });
  try {
    if (feed.after !== undefined) await reader.catchUp(feed.backlog);
    reader.goLive();
    await reader.closed;
  } finally {
    clearInterval(heartbeat);
    options.signal.removeEventListener("abort", stop);
    unsubscribe();
    reader.end();
  }
}

class FeedReader {
  readonly #response: Response;
  readonly closed: Promise<void>;
  #lastId: number;
  #pending: FeedItem[] | undefined = [];

  constructor(response: Response, lastId: number) {
    this.#response = response;
    this.#lastId = lastId;
    this.closed = new Promise((resolve) => response.once("close", resolve));
  }

  offer(item: FeedItem): void {
    if (!this.#pending) {
      this.#send(item);
      return;
    }
    this.#pending.push(item);
    if (this.#pending.length > MAX_PENDING_ITEMS) this.end();
  }

  async catchUp(backlog: Feed["backlog"]): Promise<void> {
    for (;;) {
      const page = await backlog(this.#lastId);
      for (const item of page) this.#send(item);
      if (page.length === 0 || this.#gone()) return;
      await this.#drained();
    }
  }

  goLive(): void {
    const pending = this.#pending ?? [];
    this.#pending = undefined;
    for (const item of pending) this.#send(item);
  }

  comment(text: string): void {
    if (!this.#gone()) this.#response.write(`: ${text}\n\n`);
  }

  end(): void {
    if (!this.#response.writableEnded) this.#response.end();
  }

  #send(item: FeedItem): void {
    if (item.id <= this.#lastId || this.#gone()) return;
    this.#lastId = item.id;
    const event = item.event === undefined ? "" : `event: ${item.event}\n`;
    // JSON has no raw line breaks, so one data line always suffices.
    this.#response.write(`id: ${item.id}\n${event}data: ${JSON.stringify(item.data)}\n\n`);
    if (this.#response.writableLength > MAX_BUFFERED_BYTES) this.#response.destroy();
  }

  async #drained(): Promise<void> {
    if (!this.#response.writableNeedDrain) return;
    await Promise.race([new Promise((resolve) => this.#response.once("drain", resolve)), this.closed]);
  }

  #gone(): boolean {
    return this.#response.writableEnded || this.#response.destroyed;
  }
}
