/** Who may read images: machines by their client certificate, people and programs by an API token. */
import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { Request } from "express";
import type { NodeIdentities } from "../../services/node-identities.ts";
import { may } from "../../services/permissions.ts";
import type { Tokens } from "../../services/tokens.ts";
import type { FailureLimit } from "../http/failure-limit.ts";
import { remoteAddress } from "../http/principal.ts";
import { presentedCertificate } from "../pki/node-certifier.ts";

export type RegistryAdmission =
  | { readonly kind: "admitted" }
  | {
      readonly kind: "refused";
      readonly status: 401 | 403 | 429;
      readonly reason: string;
      readonly waitSeconds?: number;
    };

export interface RegistryAccessOptions {
  readonly identities: Pick<NodeIdentities, "identify">;
  readonly tokens: Pick<Tokens, "check">;
  readonly failures: FailureLimit;
  /** Everybody may read. */
  readonly anonymous: boolean;
  /** The client certificate that TLS has verified; undefined when there is none. */
  readonly peerOf?: (request: Request) => X509Certificate | undefined;
}

/** Judges one request. */
export type RegistryAccess = (request: Request) => Promise<RegistryAdmission>;

const ADMITTED: RegistryAdmission = { kind: "admitted" };

/** Access by certificate first: machines present one with every connection. */
export function createRegistryAccess(options: RegistryAccessOptions): RegistryAccess {
  const { anonymous, identities, peerOf = tlsPeer } = options;
  return async (request) => {
    if (anonymous) return ADMITTED;
    const certificate = peerOf(request);
    const presented = certificate && presentedCertificate(certificate);
    if (!presented) return byToken(options, request);
    const identification = await identities.identify(presented);
    if (identification.kind === "node") return ADMITTED;
    return { kind: "refused", status: 403, reason: `this certificate is refused: ${identification.reason}` };
  };
}

function byToken({ tokens, failures }: RegistryAccessOptions, request: Request): RegistryAdmission {
  const presented = tokenOf(request.get("authorization"));
  if (presented === undefined) {
    const reason =
      "images are given to enrolled machines and to API tokens; log in with a token as the password";
    return { kind: "refused", status: 401, reason };
  }
  const check = tokens.check(presented);
  if (check.kind === "accepted" && may(check.token.role, "assets:read")) return ADMITTED;
  const waitSeconds = failures.failed(remoteAddress(request));
  if (waitSeconds !== undefined) {
    return { kind: "refused", status: 429, reason: "too many wrong tokens from this address", waitSeconds };
  }
  return { kind: "refused", status: 401, reason: "this token is not known, or no longer valid" };
}

/** Clients of registries send passwords; a token is the password of whatever user name. */
function tokenOf(header: string | undefined): string | undefined {
  const [, scheme = "", value = ""] = /^(Basic|Bearer) +(\S+)$/i.exec(header ?? "") ?? [];
  if (scheme === "") return undefined;
  if (scheme.toLowerCase() === "bearer") return value;
  const pair = Buffer.from(value, "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
}

function tlsPeer(request: Request): X509Certificate | undefined {
  const socket = request.socket as Partial<TLSSocket>;
  return socket.authorized === true ? socket.getPeerX509Certificate?.() : undefined;
}
