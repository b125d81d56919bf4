/** A boot plane over a directory of files, on a loopback port, with scripts and documents made up for the test. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createBootTree } from "../../src/adapters/assets/boot-tree.ts";
import { createBlockCache } from "../../src/adapters/http/block-cache.ts";
import { type BootAppOptions, createBootApp } from "../../src/adapters/http/boot-app.ts";
import { createBootServer } from "../../src/adapters/http/boot-server.ts";
import { createMirrorRoutes } from "../../src/adapters/http/mirror-routes.ts";
import { createStaticFiles, type StaticFiles } from "../../src/adapters/http/static-files.ts";
import { FakeClock } from "./fake-clock.ts";
import { KeptLog } from "./kept-log.ts";

export interface BootPlaneInput {
  readonly maxTransfers?: number;
  readonly cacheBytes?: number;
  readonly parts?: Partial<BootAppOptions>;
}

export class BootPlane {
  readonly directory = mkdtempSync(path.join(tmpdir(), "muster-boot-"));
  readonly tree = path.join(this.directory, "boot");
  readonly log = new KeptLog();
  readonly files: StaticFiles;
  readonly #server: Server;

  private constructor({ maxTransfers = 1000, cacheBytes = 8_000_000, parts = {} }: BootPlaneInput) {
    const cache = createBlockCache({ maxBytes: cacheBytes });
    mkdirSync(this.tree);
    this.files = createStaticFiles({ files: createBootTree({ directory: this.tree }), cache, maxTransfers });
    this.#server = createBootServer(
      createBootApp({
        scripts: {
          scriptFor: (mac) => Promise.resolve(`#!ipxe\necho ${mac}\n`),
          scriptForNonsense: (text) => `#!ipxe\necho nonsense ${text}\n`,
          finder: () => "#!ipxe\necho finder\n",
        },
        grub: {
          scriptFor: (mac) => Promise.resolve(`echo '${mac}'\n`),
          scriptForNonsense: (text) => `echo 'nonsense ${text}'\n`,
          finder: () => "echo 'finder'\n",
        },
        documents: { get: () => Promise.resolve({ kind: "unknown-document" }) },
        reports: { accept: () => Promise.resolve({ kind: "refused", status: 403, reason: "refused" }) },
        files: this.files,
        mirror: createMirrorRoutes({ mirrors: new Map(), cache, log: this.log }),
        clock: new FakeClock(),
        log: this.log,
        ...parts,
      }),
    );
  }

  static async open(input: BootPlaneInput = {}): Promise<BootPlane> {
    const plane = new BootPlane(input);
    await new Promise<void>((resolve) => plane.#server.listen(0, "127.0.0.1", resolve));
    return plane;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  write(name: string, content: string | Uint8Array): void {
    const file = path.join(this.tree, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
