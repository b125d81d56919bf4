import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { systemClock } from "../../../../src/adapters/host/system-clock.ts";
import { etcdAccess } from "../../../../src/adapters/kubernetes/etcd-client.ts";
import type { EtcdAccess } from "../../../../src/services/cluster/ports.ts";
import { aClusterPki } from "../../../support/cluster-pki.ts";
import { aCluster } from "../../../support/clusters.ts";
import { FakeEtcd } from "../../../support/fake-etcd.ts";

const FIRST = "127.44.0.1";
const SECOND = "127.44.0.2";
const header = { cluster_id: "14841639068965178418", member_id: "10276657743932975437" };
let first: FakeEtcd;
let second: FakeEtcd;
let etcd: EtcdAccess;

before(async () => {
  const { pki } = await aClusterPki({ clock: systemClock });
  const cluster = aCluster({ spec: { pki: { keyAlgorithm: "ECDSA-P256" } } });
  first = await FakeEtcd.serve({ pki, cluster, address: FIRST });
  const { port } = first;
  second = await FakeEtcd.serve({ pki, cluster, address: SECOND, port });
  const client = await pki.etcdClientCertificate(cluster, { commonName: "test", lifetimeMs: 60_000 });
  const { etcdCa } = await pki.ensure(cluster);
  etcd = etcdAccess({
    cluster: "lab",
    addresses: [FIRST, SECOND],
    credentials: { authority: etcdCa.certificate, ...client },
    port,
  });
});

beforeEach(() => {
  for (const server of [first, second]) {
    server.answers.clear();
    server.seen.length = 0;
  }
});

after(async () => {
  await first.stop();
  await second.stop();
});

test("S2-30 ids are shown as etcdctl shows them, and what the gateway leaves out is zero", async () => {
  const member = { ID: "10276657743932975437", peerURLs: ["https://10.20.0.10:2380"] };
  first.answers.set("cluster/member/list", { body: { header, members: [member] } });
  assert.deepEqual(await etcd.memberList(), {
    clusterId: "cdf818194e3a8c32",
    members: [
      {
        id: "8e9e05c52164694d",
        name: "",
        peerUrls: ["https://10.20.0.10:2380"],
        clientUrls: [],
        learner: false,
      },
    ],
  });
});

test("a member without a leader says so", async () => {
  first.answers.set("maintenance/status", {
    body: { header, version: "3.6.8", dbSize: "20480", raftIndex: "7", errors: ["etcdserver: no leader"] },
  });
  assert.deepEqual(await etcd.status(FIRST), {
    kind: "answers",
    endpoint: FIRST,
    clusterId: "cdf818194e3a8c32",
    memberId: "8e9e05c52164694d",
    learner: false,
    version: "3.6.8",
    dbBytes: 20_480,
    raftIndex: 7,
    errors: ["etcdserver: no leader"],
  });
});

test("a member that cannot serve now is passed over, one that refuses is believed", async () => {
  first.answers.set("cluster/member/list", { status: 503, body: { error: "etcdserver: no leader" } });
  second.answers.set("cluster/member/list", { body: { header, members: [] } });
  assert.equal((await etcd.memberList()).members.length, 0);
  first.answers.set("cluster/member/remove", {
    status: 400,
    body: { code: 9, message: "etcdserver: re-configuration failed due to not enough started members" },
  });
  await assert.rejects(etcd.memberRemove("8e9e05c52164694d"), {
    name: "ClusterRefusedError",
    message: /not enough started members/,
  });
  assert.deepEqual(first.seen.at(-1)?.body, { ID: "10276657743932975437" });
});

test("removing who is gone is no error", async () => {
  first.answers.set("cluster/member/remove", { status: 404, body: { code: 5, message: "member not found" } });
  assert.equal(await etcd.memberRemove("1"), "absent");
});

test("a member is announced unless its peer URL is known", async () => {
  const known = { ID: "1", peerURLs: ["https://10.20.0.10:2380"] };
  first.answers.set("cluster/member/list", { body: { header, members: [known] } });
  first.answers.set("cluster/member/add", { body: { header } });
  assert.equal(await etcd.memberAdd("https://10.20.0.10:2380"), "present");
  assert.equal(await etcd.memberAdd("https://10.20.0.11:2380"), "added");
  assert.deepEqual(first.seen.at(-1)?.body, { peerURLs: ["https://10.20.0.11:2380"] });
});

test("S2-31 a snapshot that breaks off is an error, never a short file", async () => {
  const line = (blob: string, remaining: string): string =>
    `${JSON.stringify({ result: { blob: Buffer.from(blob).toString("base64"), remaining_bytes: remaining } })}\n`;
  const read = async (): Promise<string> => {
    const pieces: Uint8Array[] = [];
    for await (const piece of await etcd.snapshot()) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  };
  first.answers.set("maintenance/snapshot", { body: line("one", "3") + line("two", "0") });
  assert.equal(await read(), "onetwo");
  first.answers.set("maintenance/snapshot", { body: line("one", "3") });
  await assert.rejects(read(), { message: /broke off: 3 bytes are missing/ });
  first.answers.set("maintenance/snapshot", { body: `${line("one", "3")}{"error":{"message":"disk"}}\n` });
  await assert.rejects(read(), { message: /broke off: disk/ });
  first.answers.set("maintenance/snapshot", { status: 500, body: "" });
  second.answers.set("maintenance/snapshot", { body: line("all", "0") });
  assert.equal(await read(), "all");
});
