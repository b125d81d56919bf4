/** The store of released files of an appliance over one served upstream, in a directory of its own. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type ComponentStore, createComponentStore } from "../../src/adapters/assets/component-store.ts";
import { type DigestLock, openDigestLock } from "../../src/adapters/assets/digest-lock.ts";
import { openFileUpstreams } from "../../src/adapters/assets/file-upstreams.ts";
import { createObjectCache, type ObjectCache } from "../../src/adapters/assets/object-cache.ts";
import { configSchema } from "../../src/config/schema.ts";
import type { ComponentFile } from "../../src/domain/components/component-files.ts";
import { FakeClock } from "./fake-clock.ts";
import type { FileServer } from "./file-server.ts";
import { KeptEvents } from "./kept-events.ts";
import { KeptLog } from "./kept-log.ts";

export class ComponentBench {
  readonly directory = mkdtempSync(path.join(tmpdir(), "muster-components-"));
  readonly clock = new FakeClock();
  readonly events = new KeptEvents();
  readonly log = new KeptLog();
  store!: ComponentStore;
  cache!: ObjectCache;
  lock!: DigestLock;

  static async open(upstream: FileServer): Promise<ComponentBench> {
    const bench = new ComponentBench();
    await bench.reopen(upstream);
    return bench;
  }

  /** As after a restart. */
  async reopen(upstream: FileServer): Promise<void> {
    const server = { upstream: upstream.url };
    const config = configSchema.parse({
      mirrors: { kubernetes: server, github: server, githubRaw: server, elastic: server },
    });
    const { clock, events, log } = this;
    const maxBytes = config.assets.maxComponentBytes;
    this.cache = createObjectCache({
      directory: path.join(this.directory, "components"),
      maxBytes,
      clock,
      log,
    });
    this.lock = await openDigestLock(path.join(this.directory, "components.lock.json"));
    const upstreams = openFileUpstreams(config);
    this.store = createComponentStore({ upstreams, cache: this.cache, lock: this.lock, events, clock });
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Publishes a file of an upstream with its checksum beside it; returns its bytes. */
export function publish(server: FileServer, file: ComponentFile, text = `bytes of ${file.path}`): Buffer {
  const bytes = Buffer.from(text);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const line = file.upstream === "kubernetes" ? sha256 : `${sha256}  ${file.name}\n`;
  const others = server.files.get(file.checksumPath)?.toString() ?? "";
  const kept = others.split("\n").filter((each) => each !== "" && !each.endsWith(file.name));
  const list = file.upstream === "kubernetes" ? line : [...kept, line].join("\n");
  server.files.set(file.path, bytes);
  server.files.set(file.checksumPath, Buffer.from(list));
  return bytes;
}
