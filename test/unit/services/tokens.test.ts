import assert from "node:assert/strict";
import { test } from "node:test";
import { Tokens } from "../../../src/services/tokens.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { KeptLog } from "../../support/kept-log.ts";
import { MemoryStore } from "../../support/memory-store.ts";

async function newTokens(store = new MemoryStore(), clock = new FakeClock()) {
  const log = new KeptLog();
  const tokens = new Tokens({ store: store.tokens, clock, log });
  await tokens.load();
  return { tokens, store, clock, log };
}

test("the first admin token is delivered before it is kept, and made once", async () => {
  const { tokens, store, clock } = await newTokens();
  const seen: string[] = [];
  const first = await tokens.ensureFirst(async (secret) => {
    seen.push(secret);
    assert.deepEqual(await store.tokens.all(), [], "nothing was kept yet");
  });
  assert.deepEqual(seen, [first]);
  assert.equal(tokens.check(first ?? "").kind, "accepted");
  const restarted = await newTokens(store, clock);
  assert.equal(await restarted.tokens.ensureFirst(() => Promise.reject(new Error("not called"))), undefined);
  assert.equal(restarted.tokens.check(first ?? "").kind, "accepted");
});

test("a first token that could not be delivered is not kept", async () => {
  const { tokens, store } = await newTokens();
  await assert.rejects(
    tokens.ensureFirst(() => Promise.reject(new Error("disk full"))),
    /disk full/,
  );
  assert.deepEqual(await store.tokens.all(), []);
});

test("an appliance whose every admin token was revoked gets a new first one", async () => {
  const { tokens } = await newTokens();
  await tokens.ensureFirst(() => Promise.resolve());
  const [only] = tokens.list();
  await tokens.revoke(only?.id ?? "");
  const second = await tokens.ensureFirst(() => Promise.resolve());
  const check = tokens.check(second ?? "");
  assert.equal(check.kind === "accepted" && check.token.name, "first-admin-2");
});

test("only the SHA-256 of a token is stored", async () => {
  const { tokens, store } = await newTokens();
  const { secret } = await tokens.create({ name: "alice", role: "viewer" });
  const [record] = await store.tokens.all();
  assert.match(record?.hash ?? "", /^[0-9a-f]{64}$/);
  assert.equal(JSON.stringify(record).includes(secret.split("_")[2] ?? ""), false);
});

test("nothing but the whole token is accepted", async () => {
  const { tokens } = await newTokens();
  const { secret, token } = await tokens.create({ name: "alice", role: "viewer" });
  for (const wrong of [
    "",
    "x",
    secret.slice(0, -1),
    `${secret}A`,
    secret.toUpperCase(),
    `muster_${token.id}_${"A".repeat(43)}`,
  ]) {
    assert.deepEqual(tokens.check(wrong), { kind: "refused", reason: "unknown" }, wrong);
  }
});

test("the last use is noted once a minute, not on every request", async () => {
  const { tokens, store, clock } = await newTokens();
  const { secret } = await tokens.create({ name: "alice", role: "viewer" });
  const before = store.commits;
  for (let count = 0; count < 100; count++) tokens.check(secret);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(store.commits - before, 1);
  clock.advance(60_000);
  tokens.check(secret);
  assert.equal(tokens.list()[0]?.lastUsedAt, clock.now());
});

test("a use noted while a token is being revoked does not bring it back", async () => {
  const { tokens, store, clock } = await newTokens();
  const { secret, token } = await tokens.create({ name: "alice", role: "viewer" });
  const revoking = tokens.revoke(token.id);
  assert.deepEqual(tokens.check(secret), { kind: "refused", reason: "revoked" });
  await revoking;
  const restarted = await newTokens(store, clock);
  assert.deepEqual(restarted.tokens.check(secret), { kind: "refused", reason: "revoked" });
});

test("a store that fails to note a use does not shut anybody out", async () => {
  const { tokens, store, log } = await newTokens();
  const { secret } = await tokens.create({ name: "alice", role: "viewer" });
  store.break();
  assert.equal(tokens.check(secret).kind, "accepted");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    log.lines.map(({ level }) => level),
    ["warn"],
  );
});
