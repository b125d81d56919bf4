/** The files of releases and the images as people list and check them. */
import type { AssetCheck } from "../../services/assets/assets.ts";
import type { Images } from "../../services/images/images.ts";
import type { AssetRecord } from "../../services/ports.ts";
import type { DigestLock, LockEntry } from "./digest-lock.ts";
import type { ObjectCache } from "./object-cache.ts";

export interface KeptComponentsOptions {
  readonly lock: DigestLock;
  readonly files: Pick<ObjectCache, "find" | "verify">;
  readonly images: Pick<Images, "list">;
  readonly imageObjects: Pick<ObjectCache, "verify">;
}

/** Lists what the lock file and the tags name; a check hashes everything that is on disk. */
export function createKeptComponents({ lock, files, images, imageObjects }: KeptComponentsOptions): {
  list(): readonly AssetRecord[];
  verify(): Promise<readonly AssetCheck[]>;
} {
  const fileRecords = (): readonly AssetRecord[] =>
    lock.entries().map(([key, entry]) => recordOf(key, entry));
  const imageRecords = (): readonly AssetRecord[] =>
    images.list().map(({ image, digest, bytes, checkedAt }) => {
      const colon = image.lastIndexOf(":");
      const [name, version] = [image.slice(0, colon), image.slice(colon + 1)];
      const sha256 = digest.replace("sha256:", "");
      return {
        os: "image",
        architecture: "any",
        name,
        path: image,
        version,
        sha256,
        bytes,
        fetchedAt: checkedAt,
      };
    });
  const verify = async (): Promise<readonly AssetCheck[]> => {
    const damagedFiles = new Set(await files.verify());
    const damagedImages = await imageObjects.verify();
    const checks: AssetCheck[] = [];
    for (const record of fileRecords()) {
      const { sha256, bytes } = record;
      const present = (await files.find({ sha256, bytes })) !== undefined;
      const result = damagedFiles.has(sha256) ? "changed" : present ? "intact" : "missing";
      checks.push({ record, result });
    }
    for (const record of imageRecords()) {
      checks.push({ record, result: damagedImages.includes(record.sha256) ? "changed" : "intact" });
    }
    for (const sha256 of damagedImages) {
      if (!checks.some(({ record }) => record.sha256 === sha256)) checks.push(damagedBlob(sha256));
    }
    return checks;
  };
  return { list: () => [...fileRecords(), ...imageRecords()], verify };
}

function recordOf(
  path: string,
  { component, version, name, sha256, bytes, recorded }: LockEntry,
): AssetRecord {
  const architecture = /(?:amd64|arm64)/.exec(path)?.[0] ?? "any";
  return { os: component, architecture, name, path, version, sha256, bytes, fetchedAt: Date.parse(recorded) };
}

function damagedBlob(sha256: string): AssetCheck {
  const record: AssetRecord = {
    os: "image",
    architecture: "any",
    name: "layer",
    path: `sha256:${sha256}`,
    version: "",
    sha256,
    bytes: 0,
    fetchedAt: 0,
  };
  return { record, result: "changed" };
}
