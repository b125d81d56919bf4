/**
 * API tokens: shown once when made, kept as a SHA-256 afterwards. A token is 256 random bits, so a plain hash is
 * enough: there is no dictionary to try.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { ConflictError, NotFoundError } from "../domain/errors.ts";
import type { TokenRole } from "./permissions.ts";
import type { Clock, Log, TokenRecord } from "./ports.ts";
import type { TokenStore } from "./store.ts";

/** A token record as others may see it: without the hash. */
export type TokenView = Omit<TokenRecord, "hash">;

/** What became of a presented token. A refusal never says more to the caller than that it was refused. */
export type TokenCheck =
  | { readonly kind: "accepted"; readonly token: TokenView }
  | { readonly kind: "refused"; readonly reason: "unknown" | "expired" | "revoked" };

export interface NewToken {
  readonly name: string;
  readonly role: TokenRole;
  /** Epoch milliseconds; never expires when left out. */
  readonly expiresAt?: number;
}

/** Writing `lastUsedAt` for every request would make each GET a disk write. */
const LAST_USED_GRAIN_MS = 60_000;
const FORM = /^muster_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

export class Tokens {
  readonly #store: TokenStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #byId = new Map<string, TokenRecord>();

  constructor(options: { readonly store: TokenStore; readonly clock: Clock; readonly log: Log }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Reads every token into memory; call once before the first check. */
  async load(): Promise<void> {
    for (const record of await this.#store.all()) this.#byId.set(record.id, record);
  }

  /** Every token ever made, oldest first. */
  list(): readonly TokenView[] {
    return [...this.#byId.values()].sort((a, b) => a.createdAt - b.createdAt).map(viewOf);
  }

  /** One token by id. */
  byId(id: string): TokenView | undefined {
    const record = this.#byId.get(id);
    return record && viewOf(record);
  }

  /**
   * Makes a token. `secret` is the only copy there will ever be.
   * @throws ConflictError when a usable token already has this name: the name is what the audit trail shows.
   */
  async create(input: NewToken): Promise<{ readonly token: TokenView; readonly secret: string }> {
    const made = this.#mint(input);
    await this.#keep(made.record);
    return { token: viewOf(made.record), secret: made.secret };
  }

  /**
   * Makes the first admin token when no usable admin token exists. `deliver` gets the secret before the record is
   * kept, so that a crash between the two leaves a file without effect, not an appliance without a key.
   */
  async ensureFirst(deliver: (secret: string) => Promise<void>): Promise<string | undefined> {
    const usable = this.list().some((token) => token.role === "admin" && this.#fault(token) === undefined);
    if (usable) return undefined;
    const made = this.#mint({ name: this.#freeName("first-admin"), role: "admin" });
    await deliver(made.secret);
    await this.#keep(made.record);
    return made.secret;
  }

  /** Ends a token at once; repeating it changes nothing. @throws NotFoundError for an unknown id. */
  async revoke(id: string): Promise<TokenView> {
    const record = this.#byId.get(id);
    if (!record) throw new NotFoundError(`there is no token with the id ${id}`);
    if (record.revokedAt !== undefined) return viewOf(record);
    const revoked = { ...record, revokedAt: this.#clock.now() };
    // In memory first: a use noted meanwhile must not write the token back as valid.
    this.#byId.set(id, revoked);
    await this.#store.put(revoked);
    return viewOf(revoked);
  }

  /** Judges a presented token in constant time with respect to its secret part. */
  check(presented: string): TokenCheck {
    const record = this.#byId.get(FORM.exec(presented)?.[1] ?? "");
    const expected = Buffer.from(record?.hash ?? sha256(""), "hex");
    const same = timingSafeEqual(Buffer.from(sha256(presented), "hex"), expected);
    if (!record || !same) return { kind: "refused", reason: "unknown" };
    const fault = this.#fault(record);
    if (fault !== undefined) return { kind: "refused", reason: fault };
    this.#touch(record);
    return { kind: "accepted", token: viewOf(record) };
  }

  /** A token by id if it may be used now: what a browser session rests on. */
  usable(id: string): TokenView | undefined {
    const record = this.#byId.get(id);
    return record && this.#fault(record) === undefined ? viewOf(record) : undefined;
  }

  #fault(token: TokenView): "expired" | "revoked" | undefined {
    if (token.revokedAt !== undefined) return "revoked";
    if (token.expiresAt !== undefined && token.expiresAt <= this.#clock.now()) return "expired";
    return undefined;
  }

  #mint(input: NewToken): { readonly record: TokenRecord; readonly secret: string } {
    const taken = this.list().some((token) => token.name === input.name && this.#fault(token) === undefined);
    if (taken)
      throw new ConflictError(`a usable token named ${input.name} exists; revoke it or choose another name`);
    const id = randomBytes(8).toString("hex");
    const secret = `muster_${id}_${randomBytes(32).toString("base64url")}`;
    const { name, role, expiresAt } = input;
    const record = { id, name, role, hash: sha256(secret), createdAt: this.#clock.now() };
    return { record: expiresAt === undefined ? record : { ...record, expiresAt }, secret };
  }

  #freeName(wanted: string): string {
    const names = new Set(this.list().map((token) => token.name));
    let name = wanted;
    for (let count = 2; names.has(name); count++) name = `${wanted}-${count}`;
    return name;
  }

  async #keep(record: TokenRecord): Promise<void> {
    await this.#store.put(record);
    this.#byId.set(record.id, record);
  }

  #touch(record: TokenRecord): void {
    const now = this.#clock.now();
    if (record.lastUsedAt !== undefined && now - record.lastUsedAt < LAST_USED_GRAIN_MS) return;
    const touched = { ...record, lastUsedAt: now };
    this.#byId.set(record.id, touched);
    this.#store.put(touched).catch((error: unknown) => {
      this.#log.warn({ err: error, token: record.id }, "cannot note when a token was last used");
    });
  }
}

function viewOf(record: TokenRecord): TokenView {
  const view: TokenView & { hash?: string } = { ...record };
  delete view.hash;
  return view;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
