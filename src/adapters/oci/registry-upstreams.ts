/** The registries that images come from: the usual ones and those that are configured. */
import type { Config } from "../../config/schema.ts";
import type { Clock } from "../../services/ports.ts";
import { createAbsentUpstream, type Upstream } from "../assets/upstream.ts";
import { createRegistryUpstream } from "./registry-upstream.ts";

/** Where a registry answers when that is not at its own name. */
const DEFAULT_URLS: Readonly<Record<string, string>> = {
  "registry.k8s.io": "https://registry.k8s.io",
  "docker.io": "https://registry-1.docker.io",
  "ghcr.io": "https://ghcr.io",
  "quay.io": "https://quay.io",
  "docker.elastic.co": "https://docker.elastic.co",
};

/** Opens every registry; nothing is asked yet, and never when the appliance is offline. */
export function openRegistryUpstreams(
  { images, assets }: Pick<Config, "images" | "assets">,
  clock: Clock,
): ReadonlyMap<string, Upstream> {
  const hosts = new Set([...Object.keys(DEFAULT_URLS), ...Object.keys(images.upstreams)]);
  const open = (host: string): Upstream => {
    if (assets.offline) return createAbsentUpstream("this appliance is offline (assets.offline)");
    const {
      url = DEFAULT_URLS[host] ?? `https://${host}`,
      username,
      password,
    } = images.upstreams[host] ?? {};
    return createRegistryUpstream({
      url,
      clock,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(images.proxy !== undefined && { proxy: images.proxy }),
    });
  };
  return new Map([...hosts].map((host) => [host, open(host)]));
}
