import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import type { Request } from "express";
import { FailureLimit } from "../../../../src/adapters/http/failure-limit.ts";
import { createRegistryAccess, type RegistryAccess } from "../../../../src/adapters/oci/registry-access.ts";
import { openAuthority } from "../../../../src/adapters/pki/authority.ts";
import type { Machine } from "../../../../src/domain/machine.ts";
import { Tokens } from "../../../../src/services/tokens.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { KeptLog } from "../../../support/kept-log.ts";
import { MemoryStore } from "../../../support/memory-store.ts";

describe("access to images", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "muster-access-"));
  let certificate: X509Certificate;
  let presented: X509Certificate | undefined;
  let registered: boolean;
  let tokens: Tokens;
  let secret: string;

  const open = (anonymous = false): RegistryAccess => {
    const clock = new FakeClock();
    return createRegistryAccess({
      tokens,
      failures: new FailureLimit({ clock, limit: 2 }),
      anonymous,
      peerOf: () => presented,
      identities: {
        identify: ({ machine, generation }) =>
          Promise.resolve(
            registered
              ? { kind: "node", machine: { name: machine } as Machine, generation }
              : { kind: "refused", reason: "it was reinstalled" },
          ),
      },
    });
  };
  const asking = (authorization?: string): Request =>
    ({ get: () => authorization, socket: { remoteAddress: "10.0.0.7" } }) as unknown as Request;
  const basic = (user: string, password: string): string =>
    `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

  before(async () => {
    const authority = await openAuthority({ directory, clock: new FakeClock(Date.now()) });
    const subject = { commonName: "kube0", organizationalUnit: "generation 2" };
    const { publicKey } = new X509Certificate(authority.certificate);
    certificate = new X509Certificate(
      authority.issue({ purpose: "client", subject, publicKey, days: 1 }).pem,
    );
  });
  after(() => rmSync(directory, { recursive: true }));
  beforeEach(async () => {
    presented = undefined;
    registered = true;
    tokens = new Tokens({ store: new MemoryStore().tokens, clock: new FakeClock(), log: new KeptLog() });
    ({ secret } = await tokens.create({ name: "puller", role: "viewer" }));
  });

  it("is given to a machine with its certificate, and not to one that was reinstalled", async () => {
    presented = certificate;
    assert.deepEqual(await open()(asking()), { kind: "admitted" });
    registered = false;
    const refusal = await open()(asking(basic("x", secret)));
    assert.equal(refusal.kind === "refused" && refusal.status, 403);
  });

  it("is given for a token as the password of any user, or as a bearer", async () => {
    assert.deepEqual(await open()(asking(basic("anybody", secret))), { kind: "admitted" });
    assert.deepEqual(await open()(asking(`Bearer ${secret}`)), { kind: "admitted" });
  });

  it("is never given without either", async () => {
    const refusal = await open()(asking());
    assert.equal(refusal.kind === "refused" && refusal.status, 401);
    const [token] = tokens.list();
    await tokens.revoke(token?.id ?? "");
    const revoked = await open()(asking(basic("x", secret)));
    assert.equal(revoked.kind === "refused" && revoked.status, 401);
  });

  it("slows down whoever guesses, and nobody who does not", async () => {
    const access = open();
    const statuses: unknown[] = [];
    for (let tries = 0; tries < 4; tries += 1) {
      const refusal = await access(asking(basic("x", "guess")));
      statuses.push(refusal.kind === "refused" && refusal.status);
    }
    assert.deepEqual(statuses, [401, 401, 429, 429]);
    assert.deepEqual(await access(asking(basic("x", secret))), { kind: "admitted" });
  });

  it("is given to everybody where the configuration says so", async () => {
    assert.deepEqual(await open(true)(asking()), { kind: "admitted" });
  });
});
