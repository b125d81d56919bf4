/** What every implementation of the Store port does; run against memory and against SQLite. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { newClusterRecord, withInitTurn } from "../../../../src/domain/cluster/cluster-record.ts";
import type { StoredResource } from "../../../../src/domain/cluster/resource.ts";
import { ConflictError } from "../../../../src/domain/errors.ts";
import type {
  AssetRecord,
  LeaseRecord,
  LogLine,
  StoredEvent,
  TicketRecord,
  TokenRecord,
} from "../../../../src/services/ports.ts";
import type { NodeIdentityRecord, Store } from "../../../../src/services/store.ts";
import { aMachine, START } from "../../../support/machines.ts";

const TICKET: TicketRecord = { hash: "a1", machine: "kube0", generation: 1, expiresAt: START, burnt: false };
const IDENTITY: NodeIdentityRecord = { machine: "kube0", generation: 1, secretHashes: ["s1", "s2"] };

/** Declares the suite. `open` makes an empty store; it is closed by the suite. */
export function describeStore(kind: string, open: () => Store): void {
  const scenario = (name: string, body: (store: Store) => Promise<void>): void => {
    test(`DESIGN-5.13 ${kind} store: ${name}`, async () => {
      const store = open();
      try {
        await body(store);
      } finally {
        await store.close();
      }
    });
  };
  const withMachine = (name: string, body: (store: Store) => Promise<void>): void =>
    scenario(name, async (store) => {
      await store.machines.commit([{ kind: "save", machine: aMachine(), previous: undefined }]);
      await body(store);
    });

  scenario("a new store is empty and healthy", async (store) => {
    assert.deepEqual(await store.machines.all(), []);
    assert.deepEqual(await store.leases.all(), []);
    assert.deepEqual(await store.tokens.all(), []);
    assert.deepEqual(await store.assets.all(), []);
    assert.equal(await store.events.lastId(), 0);
    assert.equal(await store.installerLog.lastId(), 0);
    assert.equal((await store.health()).ok, true);
  });

  machines(scenario);
  resources(scenario);
  leases(scenario);
  events(scenario);
  tickets(scenario, withMachine);
  identities(scenario, withMachine);
  installerLog(scenario, withMachine);
  clusters(scenario);
  smallThings(scenario);
}

type Scenario = (name: string, body: (store: Store) => Promise<void>) => void;

function resources(scenario: Scenario): void {
  const lab: StoredResource = {
    kind: "Cluster",
    name: "lab",
    spec: { apiPort: 6443 },
    revision: 1,
    updatedAt: START,
  };
  const save = (resource: StoredResource, previous?: number) => ({
    kind: "save" as const,
    resource,
    previous,
  });

  scenario("documents are kept by kind and name, and go again", async ({ machines, resources }) => {
    const profile = { ...lab, kind: "Profile" as const };
    await machines.commit([], [save(profile), save(lab)]);
    assert.deepEqual(await resources.all(), [lab, profile]);
    const next = { ...lab, spec: {}, revision: 2 };
    await machines.commit([], [save(next, 1), { kind: "remove", resource: profile }]);
    assert.deepEqual(await resources.all(), [next]);
  });

  scenario(
    "machines and their documents are written together or not at all",
    async ({ machines, resources }) => {
      const machine = { kind: "save" as const, machine: aMachine(), previous: undefined };
      await assert.rejects(machines.commit([machine], [save(lab, 7)]), ConflictError);
      assert.deepEqual([await machines.all(), await resources.all()], [[], []]);
      await machines.commit([machine], [save(lab)]);
      await assert.rejects(machines.commit([machine], [save({ ...lab, revision: 2 }, 1)]), ConflictError);
      assert.deepEqual(await resources.all(), [lab]);
    },
  );
}

function machines(scenario: Scenario): void {
  scenario("a machine comes back as it was saved, ordered by name", async (store) => {
    const kube1 = aMachine({
      name: "kube1",
      deadline: 5,
      failure: { reason: "r", cause: "silence", from: "installing", at: 1 },
    });
    const kube0 = aMachine({ spec: { userData: { write_files: [{ path: "/etc/motd" }] } } });
    await store.machines.commit([
      { kind: "save", machine: kube1, previous: undefined },
      { kind: "save", machine: kube0, previous: undefined },
    ]);
    assert.deepEqual(await store.machines.all(), [kube0, kube1]);
  });

  scenario("a change from an older revision is refused", async (store) => {
    const first = aMachine({ revision: 1 });
    await store.machines.commit([{ kind: "save", machine: first, previous: undefined }]);
    const second = { ...first, revision: 2 };
    await store.machines.commit([{ kind: "save", machine: second, previous: 1 }]);
    await assert.rejects(
      store.machines.commit([{ kind: "save", machine: { ...first, revision: 2 }, previous: 1 }]),
      ConflictError,
    );
    await assert.rejects(
      store.machines.commit([{ kind: "save", machine: first, previous: undefined }]),
      ConflictError,
    );
    await assert.rejects(
      store.machines.commit([{ kind: "save", machine: aMachine({ name: "nobody" }), previous: 3 }]),
      ConflictError,
    );
    assert.deepEqual(await store.machines.all(), [second]);
  });

  scenario("of several changes all are made or none", async (store) => {
    const kube0 = aMachine();
    await store.machines.commit([{ kind: "save", machine: kube0, previous: undefined }]);
    const bad = { kind: "save", machine: aMachine({ name: "kube2" }), previous: 9 } as const;
    const good = { kind: "save", machine: aMachine({ name: "kube1" }), previous: undefined } as const;
    await assert.rejects(
      store.machines.commit([good, { kind: "remove", name: "kube0" }, bad]),
      ConflictError,
    );
    assert.deepEqual(await store.machines.all(), [kube0]);
  });

  scenario("a removed machine takes its tickets, identities and log with it", async (store) => {
    await store.machines.commit([{ kind: "save", machine: aMachine(), previous: undefined }]);
    await store.tickets.commit({ put: [TICKET], remove: [] });
    await store.identities.put(IDENTITY);
    await store.installerLog.append([line({ id: 1 })]);
    await store.machines.commit([{ kind: "remove", name: "kube0" }]);
    assert.equal(await store.tickets.byHash("a1"), undefined);
    assert.equal(await store.identities.get("kube0", 1), undefined);
    assert.deepEqual(await store.installerLog.list({ machine: "kube0", limit: 9 }), []);
  });

  scenario("saving a machine leaves its tickets alone", async (store) => {
    const kube0 = aMachine();
    await store.machines.commit([{ kind: "save", machine: kube0, previous: undefined }]);
    await store.tickets.commit({ put: [TICKET], remove: [] });
    await store.machines.commit([{ kind: "save", machine: { ...kube0, revision: 2 }, previous: 1 }]);
    assert.deepEqual(await store.tickets.byHash("a1"), TICKET);
  });
}

function leases(scenario: Scenario): void {
  const lease: LeaseRecord = {
    address: "10.0.0.5",
    client: "mac:52:54:00:12:34:01",
    mac: "52:54:00:12:34:01",
    clientId: "01525400123401",
    hostname: "kube0",
    state: "bound",
    startsAt: START,
    expiresAt: START + 1000,
    giaddr: "10.0.1.1",
    circuitId: "ab",
  };
  scenario("leases are kept by address, the last commit wins", async (store) => {
    const other: LeaseRecord = {
      address: "10.0.0.6",
      client: "id:ff",
      state: "declined",
      startsAt: 1,
      expiresAt: 2,
    };
    await store.leases.commit([lease, other]);
    const released: LeaseRecord = {
      address: lease.address,
      client: lease.client,
      state: "released",
      startsAt: 1,
      expiresAt: 1,
    };
    await store.leases.commit([released]);
    const byAddress = [...(await store.leases.all())].sort((a, b) => (a.address < b.address ? -1 : 1));
    assert.deepEqual(byAddress, [released, other]);
    await store.leases.commit([]);
    assert.equal((await store.leases.all()).length, 2);
  });
}

function events(scenario: Scenario): void {
  const event = (id: number, more: Partial<StoredEvent> = {}): StoredEvent => ({
    id,
    at: START + id,
    type: "test",
    source: "test",
    level: "info",
    message: `event ${id}`,
    ...more,
  });
  const ids = async (found: Promise<readonly StoredEvent[]>): Promise<number[]> =>
    (await found).map(({ id }) => id);

  scenario("events are found by machine, MAC and level, and paged from both ends", async (store) => {
    const kube0 = { machine: "kube0", data: { from: "registered", to: "installing", n: 1 } };
    await store.events.append([
      event(1, kube0),
      event(2, { mac: "52:54:00:12:34:01" }),
      event(3, { level: "alarm" }),
    ]);
    await store.events.append([event(4, { ...kube0, level: "alarm" }), event(5)]);
    assert.deepEqual(await store.events.list({ machine: "kube0", limit: 1 }), [
      event(4, { ...kube0, level: "alarm" }),
    ]);
    assert.deepEqual(await ids(store.events.list({ limit: 3 })), [3, 4, 5]);
    assert.deepEqual(await ids(store.events.list({ limit: 2, after: 0 })), [1, 2]);
    assert.deepEqual(await ids(store.events.list({ limit: 9, after: 1, before: 4 })), [2, 3]);
    assert.deepEqual(await ids(store.events.list({ limit: 9, before: 3 })), [1, 2]);
    assert.deepEqual(await ids(store.events.list({ limit: 9, machine: "kube0" })), [1, 4]);
    assert.deepEqual(await ids(store.events.list({ limit: 9, mac: "52:54:00:12:34:01" })), [2]);
    assert.deepEqual(await ids(store.events.list({ limit: 9, level: "alarm" })), [3, 4]);
    assert.deepEqual(await ids(store.events.list({ limit: 9, level: "info" })), [1, 2, 5]);
    assert.equal(await store.events.lastId(), 5);
  });

  scenario("pruning events keeps the newest", async (store) => {
    await store.events.append([1, 2, 3, 4, 5].map((id) => event(id)));
    assert.equal(await store.events.prune(9), 0);
    assert.equal(await store.events.prune(2), 3);
    assert.deepEqual(await ids(store.events.list({ limit: 9 })), [4, 5]);
    assert.equal(await store.events.lastId(), 5);
  });
}

function tickets(scenario: Scenario, withMachine: Scenario): void {
  scenario("a ticket of a machine that does not exist is refused", async (store) => {
    await assert.rejects(store.tickets.commit({ put: [TICKET], remove: [] }), ConflictError);
    assert.equal(await store.tickets.byHash("a1"), undefined);
  });

  withMachine("tickets are found by hash and by machine, replaced, removed and pruned", async (store) => {
    const later: TicketRecord = { ...TICKET, hash: "b2", expiresAt: START + 10, usedAt: START };
    await store.tickets.commit({ put: [TICKET, later], remove: [] });
    assert.deepEqual(await store.tickets.byHash("b2"), later);
    assert.equal(await store.tickets.byHash("zz"), undefined);
    assert.equal((await store.tickets.forMachine("kube0")).length, 2);
    assert.deepEqual(await store.tickets.forMachine("kube1"), []);
    const burnt = { ...TICKET, burnt: true };
    await store.tickets.commit({ put: [burnt], remove: ["b2"] });
    assert.deepEqual(await store.tickets.forMachine("kube0"), [burnt]);
    assert.equal(await store.tickets.prune(START), 0);
    assert.equal(await store.tickets.prune(START + 1), 1);
    assert.equal(await store.tickets.byHash("a1"), undefined);
  });
}

function identities(scenario: Scenario, withMachine: Scenario): void {
  scenario("an identity of a machine that does not exist is refused", async (store) => {
    await assert.rejects(store.identities.put(IDENTITY), ConflictError);
  });

  withMachine("an identity is found by machine, key and serial number", async (store) => {
    await store.identities.put(IDENTITY);
    assert.deepEqual(await store.identities.get("kube0", 1), IDENTITY);
    assert.equal(await store.identities.get("kube0", 2), undefined);
    const enrolled: NodeIdentityRecord = {
      ...IDENTITY,
      secretHashes: [],
      keyHash: "k1",
      serial: "0a",
      certificate: "-----BEGIN CERTIFICATE-----",
      enrolledAt: START,
      expiresAt: START + 5,
      confirmedAt: START + 1,
    };
    await store.identities.put(enrolled);
    assert.deepEqual(await store.identities.byKeyHash("k1"), enrolled);
    assert.deepEqual(await store.identities.bySerial("0a"), enrolled);
    assert.equal(await store.identities.byKeyHash("k2"), undefined);
    assert.equal(await store.identities.bySerial("0b"), undefined);
  });

  withMachine("revoking ends the identities up to a generation and keeps the first time", async (store) => {
    for (const generation of [1, 2, 3]) await store.identities.put({ ...IDENTITY, generation });
    await store.identities.revoke({ machine: "kube0", upTo: 1, at: 10 });
    await store.identities.revoke({ machine: "kube0", upTo: 2, at: 20 });
    const revoked = (await store.identities.forMachine("kube0")).map(({ revokedAt }) => revokedAt);
    assert.deepEqual(revoked, [10, 20, undefined]);
  });

  withMachine("one key belongs to one identity", async (store) => {
    await store.identities.put({ ...IDENTITY, keyHash: "k1" });
    await assert.rejects(store.identities.put({ ...IDENTITY, generation: 2, keyHash: "k1" }), ConflictError);
  });
}

function installerLog(scenario: Scenario, withMachine: Scenario): void {
  const ids = async (found: Promise<readonly LogLine[]>): Promise<number[]> =>
    (await found).map(({ id }) => id);

  scenario("log lines are found by machine and generation, and paged from both ends", async (store) => {
    const lines = [1, 2, 3, 4].map((id) => line({ id, generation: id < 3 ? 1 : 2 }));
    await store.installerLog.append([...lines, line({ id: 5, machine: "kube1" })]);
    assert.deepEqual((await store.installerLog.list({ machine: "kube0", limit: 1 }))[0], lines[3]);
    assert.deepEqual(await ids(store.installerLog.list({ machine: "kube0", limit: 3 })), [2, 3, 4]);
    assert.deepEqual(await ids(store.installerLog.list({ machine: "kube0", limit: 2, after: 1 })), [2, 3]);
    assert.deepEqual(
      await ids(store.installerLog.list({ machine: "kube0", limit: 9, generation: 1 })),
      [1, 2],
    );
    assert.equal(await store.installerLog.lastId(), 5);
  });

  withMachine("the log of an installation is bounded, old installations are dropped", async (store) => {
    const lines = [1, 2, 3, 4].map((id) => line({ id, generation: id < 2 ? 1 : 2 }));
    await store.installerLog.append([...lines, line({ id: 5, machine: "kube1" })]);
    assert.equal(await store.installerLog.prune({ machine: "kube0", generation: 2, keep: 2 }), 1);
    assert.deepEqual(await ids(store.installerLog.list({ machine: "kube0", limit: 9 })), [1, 3, 4]);
    assert.equal(await store.installerLog.dropBefore({ machine: "kube0", generation: 2 }), 1);
    assert.deepEqual(await ids(store.installerLog.list({ machine: "kube0", limit: 9 })), [3, 4]);
    assert.deepEqual(await ids(store.installerLog.list({ machine: "kube1", limit: 9 })), [5]);
  });
}

function clusters(scenario: Scenario): void {
  scenario(
    "the state of a cluster is written over the revision before it, and over no other",
    async (store) => {
      const first = withInitTurn(
        { ...newClusterRecord("lab"), revision: 1 },
        { machine: "kube0", generation: 1 },
        START,
      );
      await store.clusters.put(first);
      const second = { ...first, revision: 2, frozen: { reason: "another etcd", at: START } };
      await store.clusters.put(second);
      await assert.rejects(store.clusters.put(second), ConflictError);
      await assert.rejects(store.clusters.put({ ...first, revision: 4 }), ConflictError);
      await assert.rejects(store.clusters.put(first), ConflictError);
      assert.deepEqual(await store.clusters.all(), [second]);
      await store.clusters.put({ ...newClusterRecord("edge"), revision: 1 });
      assert.deepEqual(
        (await store.clusters.all()).map(({ cluster }) => cluster),
        ["edge", "lab"],
      );
      await store.clusters.remove("lab");
      assert.deepEqual(
        (await store.clusters.all()).map(({ cluster }) => cluster),
        ["edge"],
      );
    },
  );
}

function smallThings(scenario: Scenario): void {
  scenario("tokens are replaced by id", async (store) => {
    const token: TokenRecord = { id: "t1", name: "ci", role: "viewer", hash: "h", createdAt: 1 };
    await store.tokens.put(token);
    const revoked = { ...token, lastUsedAt: 2, expiresAt: 4, revokedAt: 3 };
    await store.tokens.put(revoked);
    assert.deepEqual(await store.tokens.all(), [revoked]);
  });

  scenario("assets are replaced and removed by path", async (store) => {
    const linux: AssetRecord = {
      path: "debian-13/amd64/1/linux",
      os: "debian-13",
      architecture: "amd64",
      name: "linux",
      version: "6.12",
      sha256: "00",
      bytes: 12_000_000,
      fetchedAt: START,
    };
    const initrd = { ...linux, path: "debian-13/amd64/1/initrd.gz", name: "initrd.gz" };
    await store.assets.put([linux, initrd]);
    await store.assets.put([{ ...linux, version: "6.13" }]);
    await store.assets.remove([initrd.path, "nothing"]);
    assert.deepEqual(await store.assets.all(), [{ ...linux, version: "6.13" }]);
  });

  scenario("settings hold JSON values", async (store) => {
    assert.equal(await store.settings.get("restore.pending"), undefined);
    await store.settings.put("restore.pending", { at: 5, names: ["a"] });
    await store.settings.put("flag", false);
    assert.deepEqual(await store.settings.get("restore.pending"), { at: 5, names: ["a"] });
    assert.equal(await store.settings.get("flag"), false);
    await store.settings.put("flag", true);
    assert.equal(await store.settings.get("flag"), true);
    await store.settings.remove("flag");
    assert.equal(await store.settings.get("flag"), undefined);
  });
}

function line(fields: Partial<LogLine> & { readonly id: number }): LogLine {
  return {
    machine: "kube0",
    generation: 1,
    at: START,
    program: "main-menu",
    text: `line ${fields.id}`,
    ...fields,
  };
}
