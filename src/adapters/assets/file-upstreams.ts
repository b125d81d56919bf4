/** The servers that released files come from, as they are configured. */
import type { Config, FileServerConfig } from "../../config/schema.ts";
import type { FileUpstream } from "../../domain/components/component-files.ts";
import { createAbsentUpstream, createUpstream, type Upstream } from "./upstream.ts";

/** Opens every upstream of files; nothing is asked yet, and never when the appliance is offline. */
export function openFileUpstreams({
  mirrors,
  assets,
}: Pick<Config, "mirrors" | "assets">): Readonly<Record<FileUpstream, Upstream>> {
  const open = (server: FileServerConfig): Upstream =>
    assets.offline
      ? createAbsentUpstream("this appliance is offline (assets.offline)")
      : createUpstream({
          url: server.upstream,
          ...(server.proxy !== undefined && { proxy: server.proxy }),
          ...(server.username !== undefined && { username: server.username }),
          ...(server.password !== undefined && { password: server.password }),
        });
  return {
    kubernetes: open(mirrors.kubernetes),
    github: open(mirrors.github),
    "github-raw": open(mirrors.githubRaw),
    elastic: open(mirrors.elastic),
  };
}
