/** Whole images through the image store: an index, the manifest of one platform, and its blobs. */
import { MusterError, NotFoundError } from "../../domain/errors.ts";
import { type Descriptor, ofPlatform, readManifest } from "../../domain/images/manifest.ts";
import { formatImage, type ImageReference, parseImage } from "../../domain/images/reference.ts";
import type { Images } from "../../services/images/images.ts";
import type { ImageStore, Manifest, ManifestRequest } from "./image-store.ts";
import type { TagRecords } from "./tag-records.ts";

/** Pulls over a store; the records tell what there is. */
export function createImages({
  store,
  tags,
}: {
  readonly store: ImageStore;
  readonly tags: TagRecords;
}): Images {
  const complete: Images["complete"] = async ({ image, platform }) => {
    const reference = parse(image);
    const blobs = await blobsOf((request) => store.held(request), { reference, platform });
    if (!blobs) return false;
    for (const { digest } of blobs) if (!(await store.holds(digest))) return false;
    return true;
  };
  const pull: Images["pull"] = async ({ image, platform, onProgress, signal }) => {
    const reference = parse(image);
    const blobs = await blobsOf((request) => store.manifest(request), { reference, platform });
    if (!blobs) throw new NotFoundError(`${image} is not an image that machines can run`);
    let before = 0;
    for (const { digest, bytes } of blobs) {
      signal?.throwIfAborted();
      const found = await store.blob({ repository: reference.repository, digest });
      if (found.kind === "filling") {
        const start = before;
        const stop = found.fill.onProgress(() => onProgress?.(start + found.fill.progress().written));
        await found.fill.done.finally(stop);
      }
      before += bytes;
      onProgress?.(before);
    }
  };
  return {
    complete,
    pull,
    list: () => [...tags.all()].sort((a, b) => (a.image < b.image ? -1 : 1)),
    digestOf: (image) => {
      const { reference, repository } = parse(image);
      return reference.kind === "digest"
        ? reference.digest
        : tags.get(formatImage({ repository, reference }))?.digest;
    },
  };
}

function parse(image: string): ImageReference {
  const reference = parseImage(image);
  if (reference) return reference;
  throw new MusterError("bad-request", `"${image}" names no image`);
}

/** Blobs of the platform's image; undefined when a manifest is not to be had. @throws NotFoundError for a foreign platform */
async function blobsOf(
  find: (request: ManifestRequest) => Promise<Manifest | undefined>,
  { reference, platform }: { readonly reference: ImageReference; readonly platform: string },
): Promise<readonly Descriptor[] | undefined> {
  const top = await find(reference);
  const content = top && readManifest(top.bytes);
  if (content?.kind !== "index") return content?.blobs;
  const chosen = ofPlatform(content.manifests, platform);
  if (!chosen) {
    const offered = content.manifests.flatMap((each) => each.platform ?? []).join(", ");
    throw new NotFoundError(`${formatImage(reference)} is not there for ${platform}, only for ${offered}`);
  }
  const inner = await find({
    repository: reference.repository,
    reference: { kind: "digest", digest: chosen.digest },
  });
  const image = inner && readManifest(inner.bytes);
  return image?.kind === "image" ? image.blobs : undefined;
}
