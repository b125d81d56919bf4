/** Boot assets and mirrors: archives, their cache, the tree of files that machines boot from. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { type Archives, openArchives } from "../adapters/assets/archives.ts";
import { createBootTree } from "../adapters/assets/boot-tree.ts";
import { createInstallerArchive } from "../adapters/assets/installer-archive.ts";
import { createMirror, type Mirror } from "../adapters/assets/mirror.ts";
import type { Config } from "../config/schema.ts";
import { type Assets, type BootFiles, needOf } from "../services/assets/assets.ts";
import { createAssets } from "../services/assets/keep-assets.ts";
import type { Service } from "../services/ports.ts";
import type { Registry } from "../services/registry.ts";
import type { Context } from "./context.ts";
import type { RegistryParts } from "./registry.ts";
import type { NamedService } from "./service-stack.ts";

export interface AssetParts {
  readonly assets: Assets;
  readonly files: BootFiles;
  /** The directory that TFTP serves. */
  readonly directory: string;
  readonly mirrors: ReadonlyMap<string, Mirror>;
  readonly services: readonly NamedService[];
}

/** Where the files that machines boot from lie. */
export function assetsDirectory({ dataDir }: Pick<Config, "dataDir">): string {
  return path.resolve(dataDir, "assets");
}

/** Builds the asset use cases over the configured archives; nothing is fetched yet. */
export async function buildAssets(context: Context, registry: RegistryParts): Promise<AssetParts> {
  const { config, clock, log } = context;
  const directory = assetsDirectory(config);
  const workDirectory = path.resolve(config.dataDir, "work");
  await Promise.all([directory, workDirectory].map((each) => mkdir(each, { recursive: true })));
  const archives = await openArchives({ config, clock, log: log.child({ component: "assets" }) });
  const tree = createBootTree({ directory });
  const { initrdExtras } = config.assets;
  const assets = createAssets({
    source: createInstallerArchive({ archive: archives.debian, workDirectory, initrdExtras }),
    tree,
    store: registry.store.assets,
    clock,
    log: log.child({ component: "assets" }),
    events: registry.events,
  });
  const { cache, debian, debianSecurity } = archives;
  const { events } = registry;
  return {
    assets,
    files: tree,
    directory,
    mirrors: new Map([
      ["debian", createMirror({ name: "debian", archive: debian, cache, events })],
      ["debian-security", createMirror({ name: "debian-security", archive: debianSecurity, cache, events })],
    ]),
    services: [
      { name: "archives", service: closing(archives) },
      { name: "assets", service: assets },
      { name: "asset needs", service: pullWhatIsNeeded(assets, registry.registry) },
    ],
  };
}

/** What a registered machine needs is pulled by itself, before the machine asks for it. */
function pullWhatIsNeeded(assets: Assets, registry: Registry): Service {
  let unsubscribe: (() => void) | undefined;
  return {
    start() {
      unsubscribe ??= registry.subscribe(({ kind, machine }) => {
        if (kind === "changed" && machine.state === "registered") assets.ensure(needOf(machine.spec));
      });
      for (const machine of registry.list()) {
        if (machine.state === "registered" || machine.state === "installing")
          assets.ensure(needOf(machine.spec));
      }
      return Promise.resolve();
    },
    stop() {
      unsubscribe?.();
      unsubscribe = undefined;
      return Promise.resolve();
    },
  };
}

function closing(archives: Archives): Service {
  return {
    start: () => Promise.resolve(),
    stop: () => {
      archives.close();
      return Promise.resolve();
    },
  };
}
