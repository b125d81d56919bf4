/** Whether the Debian archive can be reached the way the appliance will ask it. */
import type { MirrorConfig } from "../../config/schema.ts";
import { readAptArchives } from "../assets/apt-configuration.ts";
import { createUpstream } from "../assets/upstream.ts";
import type { Check } from "./check.ts";

const PATIENCE_MS = 10_000;
/** Present in every archive; small. */
const PROBED_FILE = "dists/stable/Release";

/** Asks the configured archive, or the one of this host's apt, for one file. */
export async function checkMirror(
  mirror: MirrorConfig,
  options: { readonly offline: boolean; readonly aptDirectory: string },
): Promise<readonly Check[]> {
  const name = "debian mirror";
  if (options.offline) return [{ name, state: "ok", message: "not asked: assets.offline is set" }];
  const url = mirror.upstream ?? (await readAptArchives(options.aptDirectory)).debian;
  if (url === undefined) {
    const advice = "set mirrors.debian.upstream, for example to http://mirror.example/debian";
    return [{ name, state: "fail", message: "none is configured, and this host's apt has none", advice }];
  }
  const { proxy, username, password } = mirror;
  const upstream = createUpstream({
    url,
    timeoutMs: PATIENCE_MS,
    ...(proxy !== undefined && { proxy }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  });
  const advice = "check the network, mirrors.debian.upstream and mirrors.debian.proxy; or set assets.offline";
  try {
    const response = await upstream.get({ path: PROBED_FILE, signal: AbortSignal.timeout(PATIENCE_MS) });
    response.destroy();
    const { statusCode } = response;
    if (statusCode === 200) return [{ name, state: "ok", message: `${upstream.address} answers` }];
    const message = `${upstream.address} answers ${statusCode ?? 0} for ${PROBED_FILE}`;
    return [{ name, state: "fail", message, advice }];
  } catch (error) {
    return [{ name, state: "fail", message: (error as Error).message, advice }];
  } finally {
    upstream.close();
  }
}
