/** The whole asset side of an appliance over a given archive, in a directory of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Archives, openArchives } from "../../src/adapters/assets/archives.ts";
import { createBootTree } from "../../src/adapters/assets/boot-tree.ts";
import { createInstallerArchive } from "../../src/adapters/assets/installer-archive.ts";
import { createMirror } from "../../src/adapters/assets/mirror.ts";
import { createBlockCache } from "../../src/adapters/http/block-cache.ts";
import { createMirrorRoutes } from "../../src/adapters/http/mirror-routes.ts";
import { decodePath } from "../../src/adapters/http/url-path.ts";
import { type ConfigInput, configSchema } from "../../src/config/schema.ts";
import type { Assets, BootFiles, InstallerNeed } from "../../src/services/assets/assets.ts";
import { createAssets } from "../../src/services/assets/keep-assets.ts";
import type { Service } from "../../src/services/ports.ts";
import { FakeClock } from "./fake-clock.ts";
import { KeptEvents } from "./kept-events.ts";
import { KeptLog } from "./kept-log.ts";
import { MemoryAssetStore } from "./memory-asset-store.ts";

export const TRIXIE: InstallerNeed = { os: "debian-13", architecture: "amd64", firmwarePackages: [] };

export interface BootAssetsInput {
  readonly config: Pick<ConfigInput, "assets" | "mirrors">;
  readonly aptDirectory?: string;
}

/** Directory, records and clock survive {@link BootAssets.reopen}, as they survive a restart of the appliance. */
export class BootAssets {
  readonly directory = mkdtempSync(path.join(tmpdir(), "muster-assets-"));
  readonly store = new MemoryAssetStore();
  readonly clock = new FakeClock(Date.now());
  readonly events = new KeptEvents();
  readonly log = new KeptLog();
  archives!: Archives;
  assets!: Assets & Service;
  files!: BootFiles;
  #server: Server | undefined;

  static async open(input: BootAssetsInput): Promise<BootAssets> {
    const opened = new BootAssets();
    await opened.reopen(input);
    return opened;
  }

  async reopen({
    config,
    aptDirectory = path.join(this.directory, "no-apt"),
  }: BootAssetsInput): Promise<void> {
    await this.#close();
    const full = configSchema.parse({ ...config, dataDir: this.directory });
    const { clock, log, events, store } = this;
    this.archives = await openArchives({ config: full, clock, log, aptDirectory });
    const tree = createBootTree({ directory: path.join(this.directory, "assets/boot") });
    const source = createInstallerArchive({
      archive: this.archives.debian,
      workDirectory: path.join(this.directory, "assets/work"),
      initrdExtras: full.assets.initrdExtras,
    });
    this.files = tree;
    this.assets = createAssets({ source, tree, store, clock, log, events });
    await this.assets.start(AbortSignal.timeout(600_000));
  }

  /** Serves `/mirror/debian/…` over HTTP; returns its address without a slash at the end. */
  async serveMirror(releaseAgeMs = 300_000): Promise<string> {
    const { archives, events, log } = this;
    const open = (name: string, archive: Archives["debian"]) =>
      createMirror({ name, archive, cache: archives.cache, events, releaseAgeMs });
    const mirrors = new Map([
      ["debian", open("debian", archives.debian)],
      ["debian-security", open("debian-security", archives.debianSecurity)],
    ]);
    const routes = createMirrorRoutes({ mirrors, cache: createBlockCache({ maxBytes: 4_000_000 }), log });
    const server = createServer((request, response) => {
      const path = decodePath(request.url ?? "") ?? "/";
      void routes({ request, response, path: path.replace(/^\/mirror\//, "") });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mirror/debian`;
  }

  /** Lets background work of a need come to its end. */
  async settled(need: InstallerNeed): Promise<void> {
    for (let turns = 0; turns < 2000 && this.assets.status(need).kind === "pulling"; turns += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async dispose(): Promise<void> {
    await this.#close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    if (server) await new Promise((resolve) => server.close(resolve));
    if (this.assets as unknown) await this.assets.stop();
    if (this.archives as unknown) this.archives.close();
  }
}
