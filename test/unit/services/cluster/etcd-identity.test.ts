import assert from "node:assert/strict";
import { test } from "node:test";
import { keepEtcdIdentity } from "../../../../src/services/cluster/etcd-identity.ts";
import { startTurns } from "../../../support/turn-services.ts";

function status(clusterId?: string) {
  return { etcd: { members: [], ...(clusterId === undefined ? {} : { clusterId }) } };
}

test("DESIGN-5.6 the id of etcd is recorded at the first look; another one later freezes the cluster, with one alarm", async () => {
  const { states, cluster, core, turns } = await startTurns();
  const { events, clock } = core;
  const look = (clusterId?: string) =>
    keepEtcdIdentity({ states, events, clock }, cluster, status(clusterId));
  await look("aa");
  assert.equal(states.get("lab").init.phase, "none");
  await states.update("lab", (record) => ({
    ...record,
    init: { phase: "initialised", machine: "kube0", generation: 1, at: 1 },
  }));
  await look();
  await look("aa");
  await look("aa");
  const { init, frozen, revision } = states.get("lab");
  assert.deepEqual(
    [init.phase === "initialised" ? init.etcdClusterId : "", frozen, revision],
    ["aa", undefined, 2],
  );
  await look("bb");
  await look("bb");
  assert.match(
    states.get("lab").frozen?.reason ?? "",
    /etcd answers with the cluster id bb; aa was recorded/,
  );
  const alarms = (await events.list({ level: "alarm", limit: 10 })).filter(
    ({ type }) => type === "cluster-freeze",
  );
  assert.equal(alarms.length, 1);
  const reply = await turns.ask({ machine: "work0", generation: 1 }, { kubeletConf: false, etcdData: false });
  assert.deepEqual(reply.action, "wait");
});
