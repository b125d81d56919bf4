/** Kubernetes releases and container images: their upstreams, their store, and how machines reach it. */
import path from "node:path";
import type { RequestHandler } from "express";
import { createComponentMirror } from "../adapters/assets/component-mirror.ts";
import { type ComponentStore, createComponentStore } from "../adapters/assets/component-store.ts";
import { openDigestLock } from "../adapters/assets/digest-lock.ts";
import { openFileUpstreams } from "../adapters/assets/file-upstreams.ts";
import { createKeptComponents } from "../adapters/assets/kept-components.ts";
import type { Mirror } from "../adapters/assets/mirror.ts";
import { createObjectCache, type ObjectCache } from "../adapters/assets/object-cache.ts";
import { createBlockCache } from "../adapters/http/block-cache.ts";
import { createImageStore } from "../adapters/oci/image-store.ts";
import { createImages } from "../adapters/oci/pull-image.ts";
import { createRegistryAccess, type RegistryAccessOptions } from "../adapters/oci/registry-access.ts";
import { registryRoutes } from "../adapters/oci/registry-routes.ts";
import { openRegistryUpstreams } from "../adapters/oci/registry-upstreams.ts";
import { openTagRecords } from "../adapters/oci/tag-records.ts";
import { FILE_UPSTREAMS } from "../domain/components/component-files.ts";
import { createAllAssets, type KeptComponents } from "../services/assets/all-assets.ts";
import type { Assets } from "../services/assets/assets.ts";
import type { Releases } from "../services/assets/component-digests.ts";
import { createReleases } from "../services/assets/keep-releases.ts";
import type { Images } from "../services/images/images.ts";
import type { Context } from "./context.ts";
import type { RegistryParts } from "./registry.ts";
import type { NamedService } from "./service-stack.ts";

export interface ImageParts {
  readonly releases: Releases;
  readonly images: Images;
  readonly files: ComponentStore;
  /** The boot plane's mirrors of released files, by the name below `/mirror/`. */
  readonly mirrors: ReadonlyMap<string, Mirror>;
  /** The handler for `/v2` of the control plane. */
  readonly routes: (who: Pick<RegistryAccessOptions, "identities" | "tokens" | "failures">) => RequestHandler;
  /** Boot assets and releases behind one set of use cases. */
  readonly withReleases: (installers: Assets) => Assets;
  readonly services: readonly NamedService[];
}

/** Layers that many machines pull at the same time are read from disk once. */
const BLOCK_CACHE_BYTES = 64 * 1024 * 1024;

/** Builds the store of releases and images; nothing is fetched yet. @throws MusterError `unavailable` for a damaged lock file */
export async function buildImages(
  context: Context,
  { events }: Pick<RegistryParts, "events">,
): Promise<ImageParts> {
  const { config, clock } = context;
  const log = context.log.child({ component: "images" });
  const directory = (name: string): string => path.resolve(config.dataDir, name);
  const cacheIn = (name: string, maxBytes: number): ObjectCache =>
    createObjectCache({ directory: directory(name), maxBytes, clock, log });
  const fileCache = cacheIn("components", config.assets.maxComponentBytes);
  const imageCache = cacheIn("images", config.images.maxCacheBytes);
  const lock = await openDigestLock(directory("components.lock.json"));
  const tags = await openTagRecords(directory("images/tags"));
  const upstreams = openFileUpstreams(config);
  const registries = openRegistryUpstreams(config, clock);
  const files = createComponentStore({ upstreams, cache: fileCache, lock, events, clock });
  const tagAgeMs = config.images.tagSeconds * 1000;
  const store = createImageStore({
    upstreams: registries,
    cache: imageCache,
    tags,
    tagAgeMs,
    clock,
    events,
    log,
  });
  const images = createImages({ store, tags });
  const releases = createReleases({ files, images, clock, log, events });
  const components: KeptComponents = createKeptComponents({
    lock,
    files: fileCache,
    images,
    imageObjects: imageCache,
  });
  const blocks = createBlockCache({ maxBytes: BLOCK_CACHE_BYTES });
  const { anonymous } = config.images;
  const closeAll = (): Promise<void> => {
    for (const upstream of [...Object.values(upstreams), ...registries.values()]) upstream.close();
    return Promise.resolve();
  };
  return {
    releases,
    images,
    files,
    mirrors: new Map(
      FILE_UPSTREAMS.map((upstream) => [upstream, createComponentMirror({ upstream, store: files })]),
    ),
    routes: (who) =>
      registryRoutes({
        images: store,
        access: createRegistryAccess({ ...who, anonymous }),
        cache: blocks,
        log,
      }),
    withReleases: (installers) => createAllAssets({ installers, releases, components }),
    services: [
      { name: "upstreams of releases", service: { start: () => Promise.resolve(), stop: closeAll } },
      { name: "releases", service: releases },
    ],
  };
}
