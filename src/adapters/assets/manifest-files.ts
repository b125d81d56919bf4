/** Manifests out of the store of released files. */
import { readFile } from "node:fs/promises";
import type { ManifestFiles } from "../../services/cluster/addon-manifests.ts";
import type { ComponentStore } from "./component-store.ts";

/** Reads manifests through the store: fetched at first use, from disk afterwards. */
export function createManifestFiles(store: Pick<ComponentStore, "obtain">): ManifestFiles {
  return { text: async (file) => readFile(await store.obtain(file), "utf8") };
}
