/** Who is asking, and how that was established. */
import { isIPv4 } from "node:net";
import type { Request } from "express";
import { may, type Permission, type TokenRole } from "../../services/permissions.ts";
import type { Tokens } from "../../services/tokens.ts";
import type { FailureLimit } from "./failure-limit.ts";
import type { Problem } from "./problem.ts";

/** Somebody who was let in. `source` is how events and the audit trail name them. */
export interface Principal {
  readonly kind: "token" | "local" | "session";
  readonly name: string;
  readonly role: TokenRole;
  readonly source: string;
  readonly tokenId?: string;
}

/** Whoever can open the unix socket in the data directory: file permissions have already decided. */
export const LOCAL_PRINCIPAL: Principal = {
  kind: "local",
  name: "local",
  role: "admin",
  source: "api:local",
};

export type Admission =
  | { readonly kind: "admitted"; readonly principal: Principal }
  | { readonly kind: "refused"; readonly problem: Problem };

/** How a listener knows its callers: by bearer tokens, or by the fact that they could open the socket. */
export type Trust =
  | { readonly kind: "local" }
  | { readonly kind: "tokens"; readonly tokens: Tokens; readonly failures: FailureLimit };

/** Lets a request in by its bearer token, or says why not. Failures are counted per address. */
export function admit(request: Request, trust: Trust): Admission {
  if (trust.kind === "local") return { kind: "admitted", principal: LOCAL_PRINCIPAL };
  const presented = bearerToken(request);
  const check = presented === undefined ? undefined : trust.tokens.check(presented);
  if (check?.kind === "accepted") {
    const { name, role, id } = check.token;
    return { kind: "admitted", principal: { kind: "token", name, role, source: `api:${name}`, tokenId: id } };
  }
  // Somebody without a token is asked for one; only wrong ones count against their address.
  const wait = check === undefined ? undefined : trust.failures.failed(remoteAddress(request));
  return { kind: "refused", problem: wait === undefined ? unauthorised(check?.reason) : tooMany(wait) };
}

/** Refuses a principal whose role does not hold the permission. */
export function lackOf(principal: Principal, permission: Permission): Problem | undefined {
  if (may(principal.role, permission)) return undefined;
  return {
    code: "forbidden",
    detail: `${principal.name} has the role ${principal.role}, which does not hold ${permission}`,
    hint: "ask an admin for a token with a mightier role",
  };
}

/** Address of the other end without the IPv6 mapping; "local" on a unix socket. */
export function remoteAddress(request: Request): string {
  const address = request.socket.remoteAddress ?? "local";
  const mapped = address.replace(/^::ffff:/i, "");
  return isIPv4(mapped) ? mapped : address;
}

/** Whether somebody who was let in would still be: answers that stay open ask again from time to time. */
export function stillAllowed(trust: Trust, { tokenId }: Principal): boolean {
  return trust.kind === "local" || tokenId === undefined || trust.tokens.usable(tokenId) !== undefined;
}

function bearerToken(request: Request): string | undefined {
  const match = /^Bearer +(\S+)$/i.exec(request.get("authorization") ?? "");
  return match?.[1];
}

function unauthorised(reason: "unknown" | "expired" | "revoked" | undefined): Problem {
  return {
    code: "unauthorised",
    detail:
      reason === undefined
        ? "this address needs a token"
        : `this token is ${reason === "unknown" ? "not known" : reason}`,
    hint: "send Authorization: Bearer <token>; the first one is in the file admin-token in the data directory",
    headers: { "WWW-Authenticate": 'Bearer realm="muster"' },
  };
}

function tooMany(seconds: number): Problem {
  return {
    code: "too-many-requests",
    detail: "too many wrong tokens from this address",
    headers: { "Retry-After": String(seconds) },
  };
}
