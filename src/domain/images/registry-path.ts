/** Addresses of the registry API (OCI distribution specification 1.1, "Endpoints"), read only. */
import {
  type Digest,
  isDigest,
  isRegistryHost,
  type ManifestReference,
  parseManifestReference,
  type Repository,
  repositoryOf,
} from "./reference.ts";

/** What is asked for below `/v2/`. */
export type RegistryRequest =
  | { readonly kind: "base" }
  | { readonly kind: "manifest"; readonly repository: Repository; readonly reference: ManifestReference }
  | { readonly kind: "blob"; readonly repository: Repository; readonly digest: Digest }
  /** The repository's name, the reference or the digest has no valid form. */
  | { readonly kind: "invalid"; readonly what: "name" | "reference" | "digest" }
  | { readonly kind: "unsupported" };

/**
 * Reads a path below `/v2/` (decoded, without the leading `/v2/`). `ns`, which containerd adds when it asks a mirror,
 * names the registry that is meant; without it the first part of the repository's name does, as in
 * `registry.k8s.io/pause/manifests/3.10`.
 */
export function readRegistryPath(path: string, ns: string | undefined): RegistryRequest {
  if (path === "") return { kind: "base" };
  const [, name, kind, reference] = /^(.+)\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
  if (name === undefined || kind === undefined || reference === undefined) return { kind: "unsupported" };
  const repository = ns === undefined ? ofPrefixed(name) : repositoryOf(ns, name);
  if (!repository) return { kind: "invalid", what: "name" };
  if (kind === "blobs") {
    return isDigest(reference)
      ? { kind: "blob", repository, digest: reference }
      : { kind: "invalid", what: "digest" };
  }
  const parsed = parseManifestReference(reference);
  return parsed
    ? { kind: "manifest", repository, reference: parsed }
    : { kind: "invalid", what: "reference" };
}

function ofPrefixed(name: string): Repository | undefined {
  const slash = name.indexOf("/");
  const host = name.slice(0, slash);
  return slash > 0 && isRegistryHost(host) ? repositoryOf(host, name.slice(slash + 1)) : undefined;
}
