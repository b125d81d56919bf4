/** The image side of an appliance over given registries, in a directory of its own, behind plain HTTP. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import express from "express";
import { createObjectCache } from "../../src/adapters/assets/object-cache.ts";
import { createBlockCache } from "../../src/adapters/http/block-cache.ts";
import { createImageStore, type ImageStore } from "../../src/adapters/oci/image-store.ts";
import { createImages } from "../../src/adapters/oci/pull-image.ts";
import type { RegistryAccess } from "../../src/adapters/oci/registry-access.ts";
import { registryRoutes } from "../../src/adapters/oci/registry-routes.ts";
import { openRegistryUpstreams } from "../../src/adapters/oci/registry-upstreams.ts";
import { openTagRecords } from "../../src/adapters/oci/tag-records.ts";
import { type ConfigInput, configSchema } from "../../src/config/schema.ts";
import type { Images } from "../../src/services/images/images.ts";
import { FakeClock } from "./fake-clock.ts";
import { KeptEvents } from "./kept-events.ts";
import { KeptLog } from "./kept-log.ts";

export class ImageBench {
  readonly directory = mkdtempSync(path.join(tmpdir(), "muster-images-"));
  readonly clock = new FakeClock(Date.now());
  readonly events = new KeptEvents();
  store!: ImageStore;
  images!: Images;
  /** Judges callers; a test may refuse them. */
  access: RegistryAccess = () => Promise.resolve({ kind: "admitted" });
  #server: Server | undefined;

  static async open(config: Pick<ConfigInput, "images" | "assets">): Promise<ImageBench> {
    const bench = new ImageBench();
    await bench.reopen(config);
    return bench;
  }

  /** As after a restart, possibly with another configuration. */
  async reopen(input: Pick<ConfigInput, "images" | "assets">): Promise<void> {
    const config = configSchema.parse(input);
    const { clock, events } = this;
    const log = new KeptLog();
    const { maxCacheBytes, tagSeconds } = config.images;
    const cache = createObjectCache({ directory: this.directory, maxBytes: maxCacheBytes, clock, log });
    const tags = await openTagRecords(path.join(this.directory, "tags"));
    const upstreams = openRegistryUpstreams(config, clock);
    this.store = createImageStore({
      upstreams,
      cache,
      tags,
      tagAgeMs: tagSeconds * 1000,
      clock,
      events,
      log,
    });
    this.images = createImages({ store: this.store, tags });
    const app = express();
    const blocks = createBlockCache({ maxBytes: 8 << 20 });
    app.use("/v2", registryRoutes({ images: this.store, access: (r) => this.access(r), cache: blocks, log }));
    await this.#close();
    this.#server = createServer(app);
    await new Promise<void>((resolve) => this.#server?.listen(0, "127.0.0.1", resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server?.address() as AddressInfo).port}`;
  }

  async dispose(): Promise<void> {
    await this.#close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
