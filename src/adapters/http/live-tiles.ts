/** Changed tiles, sent to every open page: drawn once for all of them, at most twice a second. */
import type { Response } from "express";
import type { ClusterOperations } from "../../services/cluster/cluster-operations.ts";
import type { Log } from "../../services/ports.ts";
import type { Registry } from "../../services/registry.ts";
import type { Timeline } from "./control-ports.ts";
import type { FeedOptions } from "./sse.ts";

const FLUSH_MS = 500;
/** The rest of a storm is drawn at the next turns. */
const MAX_DRAWN_AT_ONCE = 100;
const HEARTBEAT_MS = 15_000;
const MAX_BUFFERED_BYTES = 1_048_576;

export interface LiveTilesOptions {
  readonly machines: Pick<Registry, "subscribe">;
  readonly timeline: Pick<Timeline, "subscribe">;
  readonly clusters: Pick<ClusterOperations, "subscribe">;
  /** The HTML of one tile; undefined when the machine is gone. */
  readonly draw: (machine: string) => string | undefined;
  readonly log: Log;
}

export class LiveTiles {
  readonly #options: LiveTilesOptions;
  /** Open pages, each with the question whether its session still holds. */
  readonly #readers = new Map<Response, () => boolean>();
  readonly #changed = new Set<string>();
  #endings: (() => void)[] = [];

  constructor(options: LiveTilesOptions) {
    this.#options = options;
  }

  /** Adds a page; it gets every change until it leaves, falls behind, or the signal ends it. */
  async follow(
    response: Response,
    options: Pick<FeedOptions, "signal"> & { readonly allowed: () => boolean },
  ): Promise<void> {
    const { signal, allowed } = options;
    response.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store",
    });
    response.write("retry: 2000\n\n");
    this.#readers.set(response, allowed);
    if (this.#readers.size === 1) this.#begin();
    const end = (): unknown => response.end();
    signal.addEventListener("abort", end, { once: true });
    await new Promise((resolve) => response.once("close", resolve));
    signal.removeEventListener("abort", end);
    this.#readers.delete(response);
    if (this.#readers.size === 0) this.#end();
  }

  #begin(): void {
    const flush = setInterval(() => this.#flush(), FLUSH_MS);
    const heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#endings = [
      () => clearInterval(flush),
      () => clearInterval(heartbeat),
      this.#options.machines.subscribe((change) => this.#changed.add(change.machine.name)),
      this.#options.timeline.subscribe((event) => {
        if (event.machine !== undefined) this.#changed.add(event.machine);
      }),
      this.#options.clusters.subscribe(({ cluster }) => {
        this.#send(`event: cluster\ndata: ${JSON.stringify({ name: cluster })}\n\n`);
      }),
    ];
  }

  #end(): void {
    for (const end of this.#endings) end();
    this.#endings = [];
    this.#changed.clear();
  }

  #flush(): void {
    for (const name of [...this.#changed].slice(0, MAX_DRAWN_AT_ONCE)) {
      this.#changed.delete(name);
      try {
        const html = this.#options.draw(name);
        this.#send(`event: tile\ndata: ${JSON.stringify({ name, html: html ?? null })}\n\n`);
      } catch (error) {
        this.#options.log.error({ err: error, machine: name }, "a tile cannot be drawn");
      }
    }
  }

  #beat(): void {
    for (const [reader, allowed] of this.#readers) if (!allowed()) reader.end();
    this.#send(": still here\n\n");
  }

  #send(message: string): void {
    for (const reader of this.#readers.keys()) {
      if (reader.writableEnded) continue;
      reader.write(message);
      if (reader.writableLength > MAX_BUFFERED_BYTES) reader.destroy();
    }
  }
}
