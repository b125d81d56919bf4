/** Checksums of files in the pool: from the package indexes of the releases that machines use. */
import { MusterError, NotFoundError } from "../../domain/errors.ts";
import type { Archive, ArchiveFile } from "./archive.ts";
import type { Suite } from "./suites.ts";

/** What the name of a pool file says about the indexes it can be in. */
interface PoolName {
  readonly component: string;
  readonly architectures: readonly string[];
  readonly installer: boolean;
}

/**
 * The checksum of a pool file; undefined when no release in use lists it.
 * @throws MusterError `upstream-failed` when an index that may list it cannot be had: then it must not pass unchecked.
 */
export async function findPoolFile(archive: Archive, path: string): Promise<ArchiveFile | undefined> {
  const name = readPoolName(path);
  if (!name) return undefined;
  let failure: MusterError | undefined;
  for await (const suite of suitesInUse(archive)) {
    for (const index of indexesOf(suite, name)) {
      try {
        const wanted = (await archive.packageIndex(suite, index))?.find(path);
        if (wanted) return { wanted, paths: [path] };
      } catch (error) {
        if (!(error instanceof MusterError)) throw error;
        if (!(error instanceof NotFoundError)) failure = error;
      }
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

/** Reads `pool/main/i/ipxe/ipxe_1.21_all.deb`; undefined for sources and whatever else is no binary package. */
function readPoolName(path: string): PoolName | undefined {
  const match = /^pool\/(?:updates\/)?([a-z-]+)\/.*_([a-z0-9]+)\.(deb|udeb)$/.exec(path);
  if (!match?.[1] || !match[2]) return undefined;
  const architectures = match[2] === "all" ? ["amd64", "arm64"] : [match[2]];
  return { component: match[1], architectures, installer: match[3] === "udeb" };
}

function indexesOf(suite: Suite, { component, architectures, installer }: PoolName): readonly string[] {
  return architectures
    .map((each) => `${component}/${installer ? "debian-installer/" : ""}binary-${each}/Packages.gz`)
    .filter((index) => suite.release.files.has(index));
}

/** Those asked for since the start; then those on disk, which machines may have asked for before it. */
async function* suitesInUse({ suites }: Archive): AsyncGenerator<Suite> {
  const known = suites.known();
  yield* known;
  const names = new Set(known.map((suite) => suite.name));
  for (const name of await suites.stored()) {
    if (names.has(name)) continue;
    const suite = await suites.get(name, Number.POSITIVE_INFINITY).catch((error: unknown) => {
      if (error instanceof MusterError) return undefined;
      throw error;
    });
    if (suite) yield suite;
  }
}
