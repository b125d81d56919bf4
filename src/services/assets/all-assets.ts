/** Boot assets and Kubernetes releases behind one set of use cases: what people pull, list and verify. */
import { kubernetesRelease } from "../../domain/components/kubernetes-release.ts";
import { NotFoundError } from "../../domain/errors.ts";
import type { AssetRecord } from "../ports.ts";
import type { AssetCheck, Assets, InstallerNeed, PullReport } from "./assets.ts";
import type { ReleaseNeed, Releases } from "./component-digests.ts";
import { wholeRelease } from "./release-needs.ts";

/** What is kept besides installers. */
export interface KeptComponents {
  list(): readonly AssetRecord[];
  verify(): Promise<readonly AssetCheck[]>;
}

const RELEASE = /^kubernetes-(.+)$/;

/** Routes every call by the name of what is asked for: `debian-13`, or `kubernetes-1.36.3`. */
export function createAllAssets({
  installers,
  releases,
  components,
}: {
  readonly installers: Assets;
  readonly releases: Releases;
  readonly components: KeptComponents;
}): Assets {
  return {
    status: (need) => (isRelease(need) ? releases.status(releaseOf(need)) : installers.status(need)),
    ensure: (need) => {
      if (isRelease(need)) releases.ensure(releaseOf(need));
      else installers.ensure(need);
    },
    installer: (need) => (isRelease(need) ? undefined : installers.installer(need)),
    pull: async (pull) => {
      const { need, ...options } = pull;
      if (!isRelease(need)) return installers.pull(pull);
      const wanted = releaseOf(need);
      await releases.pull(wanted, options);
      return reportOf(need, wanted);
    },
    list: async () => [...(await installers.list()), ...components.list()],
    verify: async () => [...(await installers.verify()), ...(await components.verify())],
  };
}

function isRelease({ os }: InstallerNeed): boolean {
  return RELEASE.test(os);
}

function releaseOf({ os, architecture }: InstallerNeed): ReleaseNeed {
  const release = kubernetesRelease(RELEASE.exec(os)?.[1] ?? "");
  if (!release)
    throw new NotFoundError(`${os} is not known: ask for an exact version such as kubernetes-1.36.3`);
  return wholeRelease(release, architecture);
}

function reportOf({ os, architecture }: InstallerNeed, need: ReleaseNeed): PullReport {
  const notes = [`${need.files.length} files and ${need.images.length} images are here and verified`];
  return { os, architecture, version: os.replace(RELEASE, "$1"), fetched: [], unchanged: false, notes };
}
