/**
 * One registry somewhere else, read only: anonymous, with Basic credentials, or with tokens of its token server
 * (distribution "token authentication").
 */
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { MusterError } from "../../domain/errors.ts";
import { type Challenge, parseChallenge } from "../../domain/images/challenge.ts";
import type { Clock } from "../../services/ports.ts";
import { readBody } from "../assets/read-body.ts";
import { createUpstream, type Upstream, type UpstreamRequest } from "../assets/upstream.ts";

export interface RegistryUpstreamOptions {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly proxy?: string;
  readonly clock: Clock;
}

interface Authorization {
  readonly header: string;
  /** Reading of the monotonic clock, milliseconds. */
  readonly until: number;
}

const MAX_TOKEN_BYTES = 256 * 1024;
/** What the specification assumes where a token server does not say. */
const DEFAULT_TOKEN_SECONDS = 60;
/** A token is not used in its last moments. */
const TOKEN_MARGIN_MS = 5000;

const tokenSchema = z.object({
  token: z.string().min(1).optional(),
  access_token: z.string().min(1).optional(),
  expires_in: z.number().positive().optional(),
});

/** Opens the registry at `url`; nothing is sent before the first request. */
export function createRegistryUpstream(options: RegistryUpstreamOptions): Upstream {
  const { url, proxy, clock } = options;
  const registry = createUpstream({ url, ...(proxy !== undefined && { proxy }) });
  const tokens = createTokenSource(options);
  const held = new Map<string, Authorization>();
  const running = new Map<string, Promise<Authorization | undefined>>();

  const authorize = (repository: string, challenge: Challenge): Promise<Authorization | undefined> => {
    const present = running.get(repository);
    if (present) return present;
    const asking = tokens.authorize(challenge).finally(() => running.delete(repository));
    running.set(repository, asking);
    return asking;
  };
  const get = async (request: UpstreamRequest): Promise<IncomingMessage> => {
    const repository = /^v2\/(.+)\/(?:manifests|blobs)\//.exec(request.path)?.[1] ?? "";
    const present = held.get(repository);
    const known = present && present.until > clock.monotonic() ? present.header : undefined;
    const response = await registry.get({ ...request, ...(known !== undefined && { authorization: known }) });
    const challenge =
      response.statusCode === 401 ? parseChallenge(response.headers["www-authenticate"]) : undefined;
    if (!challenge) return response;
    const fresh = await authorize(repository, challenge);
    if (!fresh) return response;
    response.resume();
    held.set(repository, fresh);
    return registry.get({ ...request, authorization: fresh.header });
  };
  const close = (): void => {
    registry.close();
    tokens.close();
  };
  return { address: registry.address, get, close };
}

interface TokenSource {
  /** The header that answers a challenge; undefined when there is nothing to answer it with. */
  authorize(challenge: Challenge): Promise<Authorization | undefined>;
  close(): void;
}

function createTokenSource({ url, username, password, proxy, clock }: RegistryUpstreamOptions): TokenSource {
  const servers = new Map<string, Upstream>();
  const basic =
    username === undefined && password === undefined
      ? undefined
      : `Basic ${Buffer.from(`${username ?? ""}:${password ?? ""}`).toString("base64")}`;
  const serverOf = (realm: URL): Upstream => {
    const server =
      servers.get(realm.origin) ??
      createUpstream({ url: realm.origin, ...(proxy !== undefined && { proxy }) });
    servers.set(realm.origin, server);
    return server;
  };
  const authorize: TokenSource["authorize"] = async (challenge) => {
    if (challenge.scheme === "basic") {
      return basic === undefined ? undefined : { header: basic, until: Number.POSITIVE_INFINITY };
    }
    if (basic !== undefined && url.startsWith("https:") && challenge.realm.protocol !== "https:") {
      const text = `${url} wants its credentials sent in the clear to ${challenge.realm.origin}; it is not asked`;
      throw new MusterError("upstream-failed", text);
    }
    const { token, seconds } = await fetchToken(serverOf(challenge.realm), { challenge, basic });
    return { header: `Bearer ${token}`, until: clock.monotonic() + seconds * 1000 - TOKEN_MARGIN_MS };
  };
  const close = (): void => {
    for (const server of servers.values()) server.close();
  };
  return { authorize, close };
}

async function fetchToken(
  server: Upstream,
  {
    challenge: { realm, service, scope },
    basic,
  }: { readonly challenge: Extract<Challenge, { scheme: "bearer" }>; readonly basic: string | undefined },
): Promise<{ readonly token: string; readonly seconds: number }> {
  const query = new URLSearchParams(realm.search);
  if (service !== undefined) query.set("service", service);
  if (scope !== undefined) query.set("scope", scope);
  const response = await server.get({
    path: decodeURIComponent(realm.pathname).replace(/^\//, ""),
    query: query.toString(),
    ...(basic !== undefined && { authorization: basic }),
  });
  if (response.statusCode !== 200) {
    response.resume();
    const why =
      response.statusCode === 401 || response.statusCode === 403
        ? "; check the credentials in images.upstreams"
        : "";
    throw new MusterError(
      "upstream-failed",
      `${realm.origin} gives no token: status ${response.statusCode ?? 0}${why}`,
    );
  }
  const parsed = tokenSchema.safeParse(
    parseJson((await readBody(response, MAX_TOKEN_BYTES)).toString("utf8")),
  );
  const token = parsed.data?.token ?? parsed.data?.access_token;
  if (token === undefined)
    throw new MusterError("upstream-failed", `${realm.origin} answers without a token`);
  return { token, seconds: parsed.data?.expires_in ?? DEFAULT_TOKEN_SECONDS };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
