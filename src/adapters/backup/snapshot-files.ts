/** Snapshots of clusters' etcd as files below the data directory, readable by their owner only. */
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { KeptSnapshot, SnapshotStore } from "../../services/cluster/snapshots.ts";

const NAME = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)\.etcd$/;

/** Files named by their time, `<directory>/<cluster>/20261121-093005.etcd` in UTC. */
export function snapshotFiles(directory: string): SnapshotStore {
  const list = async (cluster: string): Promise<readonly KeptSnapshot[]> => {
    const kept: KeptSnapshot[] = [];
    for (const name of (await namesIn(path.join(directory, cluster))).sort()) {
      const at = timeOf(name);
      if (at === undefined) continue;
      const { size } = await stat(path.join(directory, cluster, name));
      kept.push({ name, at, bytes: size });
    }
    return kept;
  };
  return {
    list,
    write: async (cluster, { at, pieces }) => {
      const own = path.join(directory, cluster);
      await mkdir(own, { recursive: true, mode: 0o700 });
      const name = nameOf(at);
      const partial = path.join(own, `${name}.partial`);
      try {
        const handle = await open(partial, "w", 0o600);
        await pipeline(Readable.from(pieces), handle.createWriteStream({ flush: true }));
        const { size } = await stat(partial);
        await rename(partial, path.join(own, name));
        return { name, at: timeOf(name) ?? at, bytes: size };
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
    },
    remove: (cluster, name) => rm(path.join(directory, cluster, name), { force: true }),
  };
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function nameOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-")}.etcd`;
}

function timeOf(name: string): number | undefined {
  const [, year, month, day, hour, minute, second] = NAME.exec(name) ?? [];
  if (year === undefined) return undefined;
  return Date.parse(`${year}-${month ?? ""}-${day ?? ""}T${hour ?? ""}:${minute ?? ""}:${second ?? ""}Z`);
}
