import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { machineSpecSchema } from "../../../src/domain/machine-spec.ts";
import { approvalCode, Enrolment, type NodeCertifier } from "../../../src/services/enrolment.ts";
import { NodeIdentities, type PresentedCertificate } from "../../../src/services/node-identities.ts";
import { fakeControl } from "../../support/control-services.ts";

const KEY = generateKeyPairSync("ed25519").publicKey;
const DAY_MS = 86_400_000;

/** Signs everything; a "request" is the hash of the key that it is for. */
class FakeCertifier implements NodeCertifier {
  readonly authority = "AUTHORITY";
  issued = 0;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  read(csr: string): ReturnType<NodeCertifier["read"]> {
    if (csr === "") return { kind: "refused", reason: "it is empty" };
    return { kind: "proven", request: { publicKey: KEY, keyHash: csr } };
  }

  certify(node: { machine: string; generation: number; publicKey: KeyObject }) {
    this.issued += 1;
    const pem = `CERTIFICATE ${this.issued} of ${node.machine} ${node.generation}`;
    return { pem, serial: String(this.issued), expiresAt: this.#now() + 365 * DAY_MS };
  }
}

async function rack(bootNetwork: "trusted" | "hostile" = "trusted") {
  const control = await fakeControl();
  const { registry, store, events, clock, log } = control;
  const certifier = new FakeCertifier(() => clock.now());
  const base = { store: store.identities, machines: registry, events, clock };
  const enrolment = new Enrolment({ ...base, certifier, key: Buffer.alloc(32, 1), bootNetwork });
  const identities = new NodeIdentities({ ...base, log });
  await identities.start();
  await registry.register(
    { name: "kube0", spec: machineSpecSchema.parse({ mac: "52:54:00:12:34:01" }) },
    "test",
  );
  await registry.apply("kube0", { type: "installer-booted" }, "test");
  await registry.apply(
    "kube0",
    { type: "install-finished", disks: [{ path: "/dev/sda", sizeBytes: 1 }] },
    "test",
  );
  const enrol = async (
    csr: string,
    change: { generation?: number; secret?: string; machine?: string } = {},
  ) => {
    const { machine = "kube0", generation = 1 } = change;
    const secret = change.secret ?? (await enrolment.secretFor(machine, generation));
    return enrolment.enrol({ machine, generation, secret, csr }, { address: "10.0.0.5" });
  };
  const alarms = async () =>
    (await events.list({ limit: 100, level: "alarm" })).map(({ message }) => message);
  return { ...control, certifier, enrolment, identities, enrol, alarms };
}

function presented(change: Partial<PresentedCertificate> = {}): PresentedCertificate {
  return {
    machine: "kube0",
    generation: 1,
    serial: "1",
    keyHash: "key-a",
    expiresAt: Number.MAX_SAFE_INTEGER,
    ...change,
  };
}

test("the first key gets a certificate, and gets it again after a power cut", async () => {
  const { enrol, certifier } = await rack();
  const first = await enrol("key-a");
  assert.deepEqual(first, {
    kind: "certified",
    certificate: "CERTIFICATE 1 of kube0 1",
    authority: "AUTHORITY",
    repeated: false,
  });
  const again = await enrol("key-a");
  assert.deepEqual(again, { ...first, repeated: true });
  assert.equal(certifier.issued, 1);
});

test("a second key for the same generation is refused, raised as an alarm, and the machine is held", async () => {
  const { enrol, registry, alarms } = await rack();
  await enrol("key-a");
  const second = await enrol("key-b");
  assert.equal(second.kind === "refused" && second.code, "forbidden");
  assert.match(registry.byName("kube0")?.held ?? "", /second key/);
  assert.match((await alarms()).join(), /second key/);
  assert.equal((await enrol("key-a")).kind, "certified", "the first key keeps what it has");
});

test("of two keys that race, exactly one wins", async () => {
  const { enrol, registry, certifier } = await rack();
  const outcomes = await Promise.all(["key-a", "key-b", "key-c", "key-a"].map((csr) => enrol(csr)));
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ["certified", "refused", "refused", "certified"],
  );
  assert.equal(certifier.issued, 1);
  assert.notEqual(registry.byName("kube0")?.held, undefined);
});

test("a wrong secret, another machine's secret and an unknown machine get the same answer and an alarm", async () => {
  const { enrol, enrolment, alarms } = await rack();
  const answers = [
    await enrol("key-a", { secret: "wrong" }),
    await enrol("key-a", { secret: await enrolment.secretFor("kube1", 1) }),
    await enrol("key-a", { machine: "nobody" }),
  ];
  assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
  assert.equal(answers[0]?.kind, "refused");
  assert.ok((await alarms()).length >= 2);
});

test("the secret of a generation opens no other generation, and no machine that later takes the name", async () => {
  const { enrol, enrolment, registry, clock } = await rack();
  const secret = await enrolment.secretFor("kube0", 1);
  assert.equal((await enrol("key-a", { generation: 2, secret })).kind, "refused");
  await registry.retire("kube0", "test");
  await registry.remove("kube0", "test");
  clock.advance(1000);
  await registry.register(
    { name: "kube0", spec: machineSpecSchema.parse({ mac: "52:54:00:12:34:09" }) },
    "test",
  );
  assert.notEqual(await enrolment.secretFor("kube0", 1), secret);
});

test("nobody enrols before the installer of the generation has run", async () => {
  const { enrol, registry } = await rack();
  await registry.apply("kube0", { type: "node-reported", generation: 1 }, "test");
  await registry.apply("kube0", { type: "reimage-requested" }, "test");
  const early = await enrol("key-a", { generation: 2 });
  assert.equal(early.kind === "refused" && early.code, "not-permitted-now");
  const late = await enrol("key-a", { generation: 1 });
  assert.equal(late.kind === "refused" && late.code, "not-permitted-now");
});

test("a held machine waits; a request that cannot be read is refused", async () => {
  const { enrol, registry } = await rack();
  await registry.hold("kube0", "restored from a backup", "test");
  const held = await enrol("key-a");
  assert.equal(held.kind === "refused" && held.code, "not-permitted-now");
  await registry.confirm("kube0", "test");
  assert.equal((await enrol("key-a")).kind, "certified");
  const unreadable = await enrol("");
  assert.equal(unreadable.kind === "refused" && unreadable.code, "bad-request");
});

test("a certificate near its end is issued anew for its key", async () => {
  const { enrol, clock } = await rack();
  await enrol("key-a");
  clock.jump(300 * DAY_MS);
  const renewed = await enrol("key-a");
  assert.equal(renewed.kind === "certified" && renewed.certificate, "CERTIFICATE 2 of kube0 1");
});

test("a store that cannot be written gives no certificate; the machine asks again", async () => {
  const { enrol, store } = await rack();
  store.break();
  await assert.rejects(enrol("key-a"), { code: "unavailable" });
});

test("in a hostile network the first key waits until a person has compared its code", async () => {
  const { enrol, registry } = await rack("hostile");
  const key = "0123abcd9999";
  const waiting = await enrol(key);
  assert.deepEqual(waiting, { kind: "waiting", code: "0123-ABCD" });
  assert.equal(approvalCode(key), "0123-ABCD");
  assert.match(registry.byName("kube0")?.held ?? "", /0123-ABCD/);
  assert.equal((await enrol(key)).kind, "waiting");
  assert.equal((await enrol("ffff00000000")).kind, "refused", "another key does not take the place");
  await registry.confirm("kube0", "test");
  assert.equal((await enrol(key)).kind, "certified");
});

test("a certificate is known by its serial, its key and the machine's present generation", async () => {
  const { enrol, identities } = await rack();
  await enrol("key-a");
  const known = await identities.identify(presented());
  assert.equal(known.kind === "node" && known.machine.name, "kube0");
  for (const stranger of [
    presented({ keyHash: "key-b" }),
    presented({ serial: "99" }),
    presented({ machine: "nobody" }),
    presented({ generation: 2, serial: "99" }),
  ]) {
    assert.equal((await identities.identify(stranger)).kind, "refused", JSON.stringify(stranger));
  }
});

test("a reimage ends the identity of the generation before, with one alarm an hour however often it knocks", async () => {
  const { enrol, identities, registry, store, alarms, clock } = await rack();
  await enrol("key-a");
  await registry.apply("kube0", { type: "node-reported", generation: 1 }, "test");
  await registry.apply("kube0", { type: "reimage-requested" }, "test");
  for (let count = 0; count < 5; count++)
    assert.equal((await identities.identify(presented())).kind, "refused");
  assert.notEqual((await store.identities.get("kube0", 1))?.revokedAt, undefined);
  assert.equal((await alarms()).length, 1);
  clock.advance(3_600_000);
  await identities.identify(presented());
  assert.equal((await alarms()).length, 2);
});

test("retiring and forgetting a machine end its identity", async () => {
  const { enrol, registry, store } = await rack();
  await enrol("key-a");
  await registry.retire("kube0", "test");
  await new Promise((resolve) => setImmediate(resolve));
  assert.notEqual((await store.identities.get("kube0", 1))?.revokedAt, undefined);
});

test("after a restore, a held machine is known by the authority's signature alone, and from then on by its record", async () => {
  const { identities, registry, store } = await rack();
  const ahead = presented({ generation: 3, serial: "77" });
  assert.equal((await identities.identify(ahead)).kind, "refused");
  await registry.hold("kube0", "restored from a backup", "test");
  assert.equal((await identities.identify(ahead)).kind, "node");
  assert.equal((await store.identities.get("kube0", 3))?.serial, "77");
});
