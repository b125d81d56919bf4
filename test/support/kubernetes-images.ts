/**
 * Container images made from compiled programs, written straight into the storage of Debian's docker-registry: an index, a
 * manifest, a configuration and one compressed layer each, under the names that kubeadm asks for.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, link, mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { run } from "./debian-release.ts";

const TYPES = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;
const PATH_OF_IMAGES = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What one image holds. */
export interface ImageContent {
  /** Without its registry's host: `kube-proxy:v1.36.3`. */
  readonly name: string;
  readonly entrypoint: readonly string[];
  /** Path in the image to the file on this host. */
  readonly files: Readonly<Record<string, string>>;
  /** A whole directory tree below everything else. */
  readonly base?: string;
  /** Path in the image to what it points to. */
  readonly links?: Readonly<Record<string, string>>;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Writes one image into a registry's storage directory. */
export async function writeImage(storage: string, image: ImageContent): Promise<void> {
  const work = await mkdtemp(path.join(storage, "image-"));
  try {
    const [name = "", tag = ""] = image.name.split(":");
    const registry = new RegistryStorage(storage, name);
    const { layer, diffId } = await makeLayer(image, work, registry);
    const config = await registry.putJson(TYPES.config, {
      architecture: "amd64",
      os: "linux",
      config: { Env: [PATH_OF_IMAGES], Entrypoint: image.entrypoint },
      rootfs: { type: "layers", diff_ids: [diffId] },
    });
    const manifest = await registry.putJson(TYPES.manifest, {
      schemaVersion: 2,
      mediaType: TYPES.manifest,
      config,
      layers: [layer],
    });
    const platform = { architecture: "amd64", os: "linux" };
    const index = await registry.putJson(TYPES.index, {
      schemaVersion: 2,
      mediaType: TYPES.index,
      manifests: [{ ...manifest, platform }],
    });
    for (const blob of [layer, config]) await registry.linkLayer(blob.digest);
    await registry.linkManifest(manifest.digest);
    await registry.linkManifest(index.digest, tag);
  } finally {
    await rm(work, { recursive: true });
  }
}

/** One repository in the storage layout of the distribution project's registry, version 2. */
class RegistryStorage {
  readonly #blobs: string;
  readonly #repository: string;

  constructor(storage: string, repository: string) {
    const root = path.join(storage, "docker/registry/v2");
    this.#blobs = path.join(root, "blobs/sha256");
    this.#repository = path.join(root, "repositories", repository);
  }

  async putFile(file: string, mediaType: string): Promise<Descriptor> {
    const digest = await digestOf(file);
    const blob = this.#blobPath(digest);
    await mkdir(path.dirname(blob), { recursive: true });
    await rename(file, blob);
    return { mediaType, digest, size: (await stat(blob)).size };
  }

  async putJson(mediaType: string, content: object): Promise<Descriptor> {
    const text = JSON.stringify(content);
    const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
    await writeDeep(this.#blobPath(digest), text);
    return { mediaType, digest, size: Buffer.byteLength(text) };
  }

  async linkLayer(digest: string): Promise<void> {
    await writeDeep(path.join(this.#repository, "_layers", digest.replace(":", "/"), "link"), digest);
  }

  async linkManifest(digest: string, tag?: string): Promise<void> {
    const revision = digest.replace(":", "/");
    await writeDeep(path.join(this.#repository, "_manifests/revisions", revision, "link"), digest);
    if (tag === undefined) return;
    const tags = path.join(this.#repository, "_manifests/tags", tag);
    await writeDeep(path.join(tags, "current/link"), digest);
    await writeDeep(path.join(tags, "index", revision, "link"), digest);
  }

  #blobPath(digest: string): string {
    const hex = digest.replace("sha256:", "");
    return path.join(this.#blobs, hex.slice(0, 2), hex, "data");
  }
}

async function makeLayer(
  image: ImageContent,
  work: string,
  registry: RegistryStorage,
): Promise<{ readonly layer: Descriptor; readonly diffId: string }> {
  const root = path.join(work, "root");
  await stage(image, root);
  const tar = path.join(work, "layer.tar");
  const owner = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  await run("tar", ["-C", root, ...owner, "-cf", tar, "."]);
  const diffId = await digestOf(tar);
  await pipeline(createReadStream(tar), createGzip({ level: 1 }), createWriteStream(`${tar}.gz`));
  return { layer: await registry.putFile(`${tar}.gz`, TYPES.layer), diffId };
}

async function stage(image: ImageContent, root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  if (image.base !== undefined) await run("cp", ["-a", "--", `${image.base}/.`, root]);
  for (const directory of ["tmp", "run", "etc", "var", "proc", "sys", "dev"]) {
    await mkdir(path.join(root, directory), { recursive: true });
  }
  await run("chmod", ["1777", path.join(root, "tmp")]);
  for (const [inside, file] of Object.entries(image.files)) {
    const target = path.join(root, inside);
    await mkdir(path.dirname(target), { recursive: true });
    await link(file, target).catch(() => copyFile(file, target));
  }
  for (const [inside, target] of Object.entries(image.links ?? {})) {
    await mkdir(path.dirname(path.join(root, inside)), { recursive: true });
    await symlink(target, path.join(root, inside));
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return `sha256:${hash.digest("hex")}`;
}

async function writeDeep(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
}
