import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { decodeTar } from "../../../../src/protocol/tar.ts";
import type { PayloadOutcome } from "../../../../src/services/cluster/payload-delivery.ts";
import { aCluster, aMember } from "../../../support/clusters.ts";
import { openNodeDoor } from "../../../support/node-door.ts";
import { startTurns } from "../../../support/turn-services.ts";

const CLEAN = { kubeletConf: false, etcdData: false };
const ASK = { step: "turn", status: CLEAN };

async function door(
  t: TestContext,
  options: Parameters<typeof startTurns>[0] & { readonly payload?: () => PayloadOutcome } = {},
) {
  const services = await startTurns(options);
  const opened = await openNodeDoor(services, options);
  t.after(() => opened.stop());
  return { ...services, ...opened };
}

function json(body: Buffer): Record<string, unknown> {
  return JSON.parse(body.toString()) as Record<string, unknown>;
}

test("DESIGN-3.5 DESIGN-5.6 a turn is answered as JSON, and to a shell as lines that hold one word each", async (t) => {
  const { call, enrol } = await door(t);
  const kube0 = await enrol("kube0");
  const first = await call("turn", kube0, { body: ASK });
  assert.equal(first.status, 200);
  assert.equal(first.headers["cache-control"], "no-store");
  const { action, role, token } = json(first.body);
  assert.deepEqual([action, role], ["init", "control-plane"]);
  const told = await call("turn", await enrol("kube1"), { body: ASK, headers: { Accept: "text/plain" } });
  assert.match(told.type, /^text\/plain/);
  assert.equal(told.body.toString(), "action=wait\nreason='kube0 initialises the cluster'\nretrySeconds=2\n");
  const again = await call("turn", kube0, { body: ASK, headers: { Accept: "text/plain" } });
  assert.ok(
    again.body
      .toString()
      .split("\n")
      .includes(`token=${String(token)}`),
  );
});

test("DESIGN-3.7 without a certificate nothing is answered, and nothing is read", async (t) => {
  const { call } = await door(t);
  for (const path of ["secrets", "payload", "routes", "addons"])
    assert.equal((await call(path, {})).status, 401);
  assert.equal((await call("turn", {}, { body: ASK })).status, 401);
});

test("DESIGN-7 a question that does not fit names its faults, one that is too large is not read", async (t) => {
  const { call, enrol } = await door(t);
  const kube0 = await enrol("kube0");
  const unfit = await call("turn", kube0, { body: { status: CLEAN } });
  assert.deepEqual([unfit.status, json(unfit.body).code], [422, "invalid"]);
  const large = await call("turn", kube0, { body: { ...ASK, more: "x".repeat(20_000) } });
  assert.equal(large.status, 413);
});

test("DESIGN-3.7 secrets are a tar archive for the holder of a turn until they are kept, and 403 for workers", async (t) => {
  const { call, enrol } = await door(t);
  const [kube0, work0] = [await enrol("kube0"), await enrol("work0")];
  assert.equal((await call("secrets", kube0)).status, 409);
  await call("turn", kube0, { body: ASK });
  const given = await call("secrets", kube0);
  assert.deepEqual([given.status, given.type], [200, "application/x-tar"]);
  const files = decodeTar(given.body);
  assert.deepEqual(
    files.map(({ path, mode }) => [path, mode]),
    [["etc/kubernetes/pki/ca.key", 0o600]],
  );
  assert.equal((await call("secrets", work0)).status, 403);
  assert.equal((await call("report", kube0, { body: { event: "secrets-kept" } })).status, 200);
  assert.equal((await call("secrets", kube0)).status, 403);
});

test("DESIGN-3.6 steps are reported and move the machine; one that is not its turn is refused", async (t) => {
  const { call, enrol, core } = await door(t);
  const kube0 = await enrol("kube0");
  const step = (name: string, state: string) =>
    call("report", kube0, { body: { event: "step", step: name, state, log: "a line\n" } });
  assert.equal((await step("files", "started")).status, 200);
  assert.deepEqual(
    [core.registry.byName("kube0")?.state, core.registry.byName("kube0")?.stage],
    ["preparing", "files"],
  );
  assert.equal((await step("files", "failed")).status, 200);
  assert.match(core.registry.byName("kube0")?.failure?.reason ?? "", /step files failed: a line/);
  assert.equal((await step("files", "started")).status, 200);
  assert.equal(core.registry.byName("kube0")?.state, "preparing");
  assert.equal((await step("kubeadm", "done")).status, 409);
  assert.equal((await step("NOT A STEP", "done")).status, 400);
});

test("DESIGN-3.5 the payload is handed out, or why not", async (t) => {
  let payload: PayloadOutcome = { kind: "none" };
  const { call, enrol } = await door(t, { payload: () => payload });
  const kube0 = await enrol("kube0");
  assert.equal((await call("payload", kube0)).status, 204);
  payload = { kind: "waiting", reason: "the endpoint's address is in use", retrySeconds: 15 };
  const held = await call("payload", kube0);
  assert.deepEqual([held.status, held.headers["retry-after"]], [503, "15"]);
  assert.equal(json(held.body).detail, "the endpoint's address is in use");
  payload = { kind: "payload", bytes: Buffer.from("tar") };
  const given = await call("payload", kube0);
  assert.deepEqual([given.status, given.type, given.body.toString()], [200, "application/gzip", "tar"]);
  const routes = await call("routes", kube0);
  assert.equal(routes.body.toString(), "10.244.1.0/24 10.20.0.10\n");
  assert.equal((await call("addons", kube0)).status, 204);
});

test("DESIGN-5.6 a machine that was declared gone is told to leave, and gets nothing else", async (t) => {
  const { call, enrol, core, states } = await door(t);
  const kube0 = await enrol("kube0");
  await call("turn", kube0, { body: ASK });
  await core.store.identities.revoke({ machine: "kube0", upTo: 1, at: core.clock.now() });
  assert.equal((await call("turn", kube0, { body: ASK })).status, 403, "revoked for another reason");
  const banished = [{ machine: "kube0", generation: 1, at: 1 }];
  await states.update("lab", (record) => ({ ...record, banished }));
  const told = await call("turn", kube0, { body: ASK });
  assert.deepEqual([told.status, json(told.body).action], [200, "leave"]);
  for (const path of ["secrets", "payload"]) assert.equal((await call(path, kube0)).status, 403);
});

test("DESIGN-5.6 fifty workers that arrive at once all join, at most ten at a time", async (t) => {
  const workers = Array.from({ length: 50 }, (_, ordinal) => `work${ordinal}`);
  const members = [
    aMember("kube0", { roles: ["control-plane"], host: 10 }),
    ...workers.map((name, ordinal) => aMember(name, { roles: ["worker"], host: 100 + ordinal })),
  ];
  const { call, enrol, rack, turns, reports, states, tokens, cluster } = await door(t, {
    cluster: aCluster({ members }),
  });
  rack.obey("kube0", await turns.ask({ machine: "kube0", generation: 1 }, CLEAN));
  while (rack.work("kube0") === "working");
  await reports.report({ machine: "kube0", generation: 1 }, { step: "kubeadm", state: "done" });

  let joining = 0;
  let most = 0;
  const live = async (name: string): Promise<void> => {
    const who = await enrol(name);
    for (;;) {
      const reply = json((await call("turn", who, { body: ASK })).body) as {
        action: "join" | "wait";
        token: string;
        reason: string;
      };
      if (reply.action !== "join") {
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      joining += 1;
      most = Math.max(most, joining);
      rack.obey(name, reply);
      assert.equal(rack.work(name), "done", name);
      joining -= 1;
      const done = await call("report", who, { body: { event: "step", step: "kubeadm", state: "done" } });
      assert.equal(done.status, 200);
      return;
    }
  };
  await Promise.all(workers.map(live));
  assert.ok(most <= 10, `${most} joined at once`);
  assert.equal(rack.alive()?.nodes.size, 51);
  assert.deepEqual(states.get("lab").joins, []);
  await tokens.sweep(cluster);
  assert.deepEqual([...(rack.alive()?.tokens.keys() ?? [])], []);
});
