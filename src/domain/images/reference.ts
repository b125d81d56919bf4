/** Names of container images: registry, repository, and a tag or a digest. */

/** A digest as registries write it: `sha256:` and 64 hexadecimal digits. No other algorithm is in use. */
export type Digest = `sha256:${string}`;

/** What in a repository is meant. */
export type ManifestReference =
  | { readonly kind: "tag"; readonly tag: string }
  | { readonly kind: "digest"; readonly digest: Digest };

export interface Repository {
  /** Host as image names write it: `registry.k8s.io`, `dreg0.lan:5000`. */
  readonly host: string;
  /** `coredns/coredns`, `library/nginx`. */
  readonly name: string;
}

export interface ImageReference {
  readonly repository: Repository;
  readonly reference: ManifestReference;
}

const DOCKER_HUB = "docker.io";
const HOST =
  /^(?:localhost|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+)(?::\d{1,5})?$|^[a-z0-9-]+:\d{1,5}$/;
const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MAX_NAME = 255;

/** Whether the text is a digest. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** Whether the text names a registry's host. */
export function isRegistryHost(text: string): boolean {
  return HOST.test(text);
}

/** A repository of a registry; undefined for a name that no registry can hold. Docker Hub's own images get `library/`. */
export function repositoryOf(host: string, name: string): Repository | undefined {
  const full = host === DOCKER_HUB && !name.includes("/") ? `library/${name}` : name;
  const fits = full.length <= MAX_NAME && full.split("/").every((component) => COMPONENT.test(component));
  return fits && isRegistryHost(host) ? { host, name: full } : undefined;
}

/** Reads the last part of a manifest's address: a tag or a digest. */
export function parseManifestReference(text: string): ManifestReference | undefined {
  if (isDigest(text)) return { kind: "digest", digest: text };
  return TAG.test(text) ? { kind: "tag", tag: text } : undefined;
}

/**
 * Reads an image as people write it: `registry.k8s.io/pause:3.10.2`, `nginx`, `quay.io/x/y@sha256:…`; with both a tag and
 * a digest, the digest counts. Undefined for a text that is none.
 */
export function parseImage(text: string): ImageReference | undefined {
  const [withTag, digest] = splitOnce(text, "@");
  const slash = withTag.lastIndexOf("/");
  const colon = withTag.indexOf(":", slash + 1);
  const path = colon < 0 ? withTag : withTag.slice(0, colon);
  const reference = parseManifestReference(digest ?? (colon < 0 ? "latest" : withTag.slice(colon + 1)));
  const [first, rest] = splitOnce(path, "/");
  const named = rest !== undefined && isRegistryHost(first);
  const repository = named ? repositoryOf(first, rest) : repositoryOf(DOCKER_HUB, path);
  return repository && reference && { repository, reference };
}

/** `registry.k8s.io/pause:3.10.2`. */
export function formatImage({ repository, reference }: ImageReference): string {
  const end = reference.kind === "tag" ? `:${reference.tag}` : `@${reference.digest}`;
  return `${repository.host}/${repository.name}${end}`;
}

/** The hexadecimal part of a digest. */
export function sha256Of(digest: Digest): string {
  return digest.slice("sha256:".length);
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
