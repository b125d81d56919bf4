/** Browser sessions: a signed cookie that names a token, so that revoking the token ends them, and no state is kept. */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Request, Response } from "express";
import type { Clock } from "../../services/ports.ts";
import type { Tokens } from "../../services/tokens.ts";
import type { Principal } from "./principal.ts";

/** The prefix makes browsers insist on HTTPS, on this host alone, and on the whole site. */
const COOKIE = "__Host-muster";
const LIFE_MS = 12 * 3_600_000;

export interface Session {
  readonly principal: Principal;
  /** Stands in every form of this session: another site cannot know it. */
  readonly formToken: string;
}

export interface SessionsOptions {
  readonly key: Uint8Array;
  readonly tokens: Tokens;
  readonly clock: Clock;
}

export class Sessions {
  readonly #options: SessionsOptions;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Logs in with a token; false when it opens nothing. */
  begin(response: Response, secret: string): boolean {
    const check = this.#options.tokens.check(secret);
    if (check.kind === "refused") return false;
    const content = `${check.token.id}.${this.#options.clock.now() + LIFE_MS}`;
    setCookie(response, `${content}.${this.#sign("session", content)}`, LIFE_MS);
    return true;
  }

  /** Logs out. */
  end(response: Response): void {
    setCookie(response, "", 0);
  }

  /** The session of a request, while its signature, its time and its token are good. */
  of(request: Request): Session | undefined {
    const cookie = readCookie(request.get("cookie") ?? "");
    const [, content, id, expiresAt, signature] =
      /^(([0-9a-f]{16})\.(\d{1,15}))\.([\w-]{43})$/.exec(cookie) ?? [];
    if (content === undefined || id === undefined || signature === undefined) return undefined;
    if (!sameText(signature, this.#sign("session", content))) return undefined;
    if (Number(expiresAt) <= this.#options.clock.now()) return undefined;
    const token = this.#options.tokens.usable(id);
    if (!token) return undefined;
    const { name, role } = token;
    return {
      principal: { kind: "session", name, role, source: `api:${name}`, tokenId: id },
      formToken: this.#sign("form", content),
    };
  }

  #sign(purpose: "session" | "form", content: string): string {
    return createHmac("sha256", this.#options.key).update(`${purpose}\n${content}`).digest("base64url");
  }
}

/** Whether a form was sent from one of our own pages of this session. */
export function fromOwnPage(request: Request, formToken: string): boolean {
  const site = request.get("sec-fetch-site");
  if (site !== undefined && site !== "same-origin") return false;
  const sent = (request.body as { readonly formToken?: unknown } | undefined)?.formToken;
  return typeof sent === "string" && sameText(sent, formToken);
}

function setCookie(response: Response, value: string, maxAge: number): void {
  response.cookie(COOKIE, value, { httpOnly: true, secure: true, sameSite: "strict", path: "/", maxAge });
}

function readCookie(header: string): string {
  const pair = header.split(";").find((part) => part.trim().startsWith(`${COOKIE}=`));
  return pair?.trim().slice(COOKIE.length + 1) ?? "";
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
