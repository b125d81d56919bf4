/** Opens the archives an appliance is configured for, or those its own host's apt uses. */
import path from "node:path";
import type { Config, MirrorConfig } from "../../config/schema.ts";
import type { Clock, Log } from "../../services/ports.ts";
import { readAptArchives } from "./apt-configuration.ts";
import { type Archive, createArchive } from "./archive.ts";
import { createObjectCache, type ObjectCache } from "./object-cache.ts";
import { createSignatureCheck, DEBIAN_KEYRING } from "./signature.ts";
import { createSuites } from "./suites.ts";
import { createAbsentUpstream, createUpstream, type Upstream } from "./upstream.ts";

export interface ArchivesOptions {
  readonly config: Pick<Config, "assets" | "mirrors" | "dataDir">;
  readonly clock: Clock;
  readonly log: Log;
  /** Directory of apt's configuration; `/etc/apt` when left out. */
  readonly aptDirectory?: string;
}

/** Both archives of Debian over one cache. */
export interface Archives {
  readonly debian: Archive;
  readonly debianSecurity: Archive;
  readonly cache: ObjectCache;
  close(): void;
}

/** Nothing is asked yet: an archive without an address fails when it is used, with the setting that is missing. */
export async function openArchives(options: ArchivesOptions): Promise<Archives> {
  const { config, clock, log, aptDirectory = "/etc/apt" } = options;
  const apt = await readAptArchives(aptDirectory);
  const directory = path.join(config.dataDir, "mirror");
  const cache = createObjectCache({ directory, maxBytes: config.assets.maxCacheBytes, clock, log });
  const open = (name: string, mirror: MirrorConfig, found: string | undefined): Archive => {
    const upstream = openUpstream({ name, mirror, found, offline: config.assets.offline });
    log.info({ mirror: name, upstream: upstream.address }, "archive of the mirror");
    const verify = createSignatureCheck({ keyring: mirror.keyring ?? DEBIAN_KEYRING });
    const suites = createSuites({
      upstream,
      directory: path.join(directory, "suites", name),
      verify,
      clock,
      log,
    });
    return createArchive({ upstream, suites, cache });
  };
  const debian = open("debian", config.mirrors.debian, apt.debian);
  const debianSecurity = open("debian-security", config.mirrors.debianSecurity, apt.debianSecurity);
  const close = (): void => {
    debian.upstream.close();
    debianSecurity.upstream.close();
  };
  return { debian, debianSecurity, cache, close };
}

interface UpstreamChoice {
  readonly name: string;
  readonly mirror: MirrorConfig;
  readonly found: string | undefined;
  readonly offline: boolean;
}

function openUpstream({ name, mirror, found, offline }: UpstreamChoice): Upstream {
  const url = mirror.upstream ?? found;
  const setting = name === "debian" ? "mirrors.debian.upstream" : "mirrors.debianSecurity.upstream";
  if (offline) return createAbsentUpstream("this appliance is offline (assets.offline)");
  if (url === undefined) {
    return createAbsentUpstream(
      `no ${name} archive is configured and this host's apt names none: set ${setting}`,
    );
  }
  return createUpstream({
    url,
    ...(mirror.proxy !== undefined && { proxy: mirror.proxy }),
    ...(mirror.username !== undefined && { username: mirror.username }),
    ...(mirror.password !== undefined && { password: mirror.password }),
  });
}
