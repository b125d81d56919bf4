import type { AssetStore } from "../../src/services/assets/assets.ts";
import type { AssetRecord } from "../../src/services/ports.ts";

/** Asset records in memory, keyed by path like the real store. */
export class MemoryAssetStore implements AssetStore {
  readonly records = new Map<string, AssetRecord>();

  all(): Promise<readonly AssetRecord[]> {
    return Promise.resolve([...this.records.values()]);
  }

  put(records: readonly AssetRecord[]): Promise<void> {
    for (const record of records) this.records.set(record.path, record);
    return Promise.resolve();
  }

  remove(paths: readonly string[]): Promise<void> {
    for (const path of paths) this.records.delete(path);
    return Promise.resolve();
  }
}
