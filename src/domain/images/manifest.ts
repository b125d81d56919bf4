/** Image manifests and indexes, as far as a registry looks into them: what else belongs to the image. */
import { z } from "zod";
import { type Digest, isDigest } from "./reference.ts";

/** Media types of manifests, as asked for from upstreams. */
export const MANIFEST_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
] as const;

const INDEX_TYPES: readonly string[] = [MANIFEST_TYPES[0], MANIFEST_TYPES[2]];

/** Something that a manifest refers to. */
export interface Descriptor {
  readonly digest: Digest;
  readonly bytes: number;
  /** `linux/amd64`, of entries of an index. */
  readonly platform?: string;
}

/** What a manifest is made of. */
export type ManifestContent =
  | { readonly kind: "index"; readonly manifests: readonly Descriptor[] }
  | { readonly kind: "image"; readonly blobs: readonly Descriptor[] };

const descriptorSchema = z.object({
  digest: z.string().refine(isDigest),
  size: z.int().min(0),
  mediaType: z.string().optional(),
  /** Set on layers that must be fetched from elsewhere. */
  urls: z.array(z.string()).optional(),
  platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
});

const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  manifests: z.array(descriptorSchema).optional(),
  config: descriptorSchema.optional(),
  layers: z.array(descriptorSchema).optional(),
});

/** Reads a manifest; undefined for what is none (or one of the retired first schema). */
export function readManifest(bytes: Uint8Array): ManifestContent | undefined {
  const parsed = manifestSchema.safeParse(parseJson(bytes));
  if (!parsed.success) return undefined;
  const { manifests, config, layers } = parsed.data;
  if (manifests) return { kind: "index", manifests: manifests.map(descriptorOf) };
  if (!config) return undefined;
  const blobs = [config, ...(layers ?? []).filter(({ urls }) => urls === undefined)];
  return { kind: "image", blobs: blobs.map(descriptorOf) };
}

/** The media type of a manifest: its own word, else by its form; undefined for what is no manifest. */
export function mediaTypeOfManifest(bytes: Uint8Array): string | undefined {
  const parsed = manifestSchema.safeParse(parseJson(bytes));
  if (!parsed.success) return undefined;
  const { mediaType, manifests, config } = parsed.data;
  if (mediaType !== undefined) return mediaType;
  if (manifests) return MANIFEST_TYPES[0];
  return config ? MANIFEST_TYPES[1] : undefined;
}

/** Whether a media type is that of an index of several platforms. */
export function isIndexType(mediaType: string): boolean {
  return INDEX_TYPES.includes(mediaType);
}

/** The image of a platform such as `linux/arm64` in an index. */
export function ofPlatform(manifests: readonly Descriptor[], platform: string): Descriptor | undefined {
  return manifests.find((each) => each.platform === platform);
}

function descriptorOf({ digest, size, platform }: z.output<typeof descriptorSchema>): Descriptor {
  return { digest, bytes: size, ...(platform && { platform: `${platform.os}/${platform.architecture}` }) };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
