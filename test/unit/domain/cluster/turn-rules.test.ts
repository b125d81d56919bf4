import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  newClusterRecord,
  withInitialised,
  withInitTurn,
  withJoinTurn,
} from "../../../../src/domain/cluster/cluster-record.ts";
import type { ClusterSight, TurnFacts } from "../../../../src/domain/cluster/turn-facts.ts";
import { decideTurn, TURN_RULES } from "../../../../src/domain/cluster/turn-rules.ts";
import { START } from "../../../support/machines.ts";

const SILENT: ClusterSight = {
  api: { kind: "silent", reason: "no answer" },
  etcd: { kind: "silent", reason: "no answer" },
  complete: false,
  etcdHostsMissing: [],
};

const ALIVE: ClusterSight = {
  api: { kind: "alive", at: ["10.20.0.10:6443"] },
  etcd: {
    kind: "answers",
    clusterId: "aa",
    members: [{ id: "1", name: "kube0", learner: false, peerUrls: [] }],
    healthy: ["kube0"],
  },
  nodes: [{ name: "kube0", controlPlane: true }],
  complete: true,
  etcdHostsMissing: [],
};

const KUBE0 = { machine: "kube0", generation: 1 };

const record = fc.constantFrom(
  newClusterRecord("lab"),
  withInitTurn(newClusterRecord("lab"), KUBE0, START),
  withInitTurn(newClusterRecord("lab"), { machine: "kube1", generation: 1 }, START),
  withInitialised(newClusterRecord("lab"), KUBE0, { at: START, etcdClusterId: "aa" }),
  withJoinTurn(withInitialised(newClusterRecord("lab"), KUBE0, { at: START }), {
    machine: "kube1",
    generation: 1,
    role: "control-plane",
    since: START,
    deadline: START + 10,
  }),
);

const anyFacts: fc.Arbitrary<TurnFacts> = fc.record({
  now: fc.constantFrom(START, START + 20),
  asker: fc.record({
    machine: fc.constantFrom("kube0", "kube1", "kube2", "work0"),
    generation: fc.constantFrom(1, 2),
    roles: fc.constantFrom(
      ["control-plane" as const],
      ["worker" as const],
      ["etcd" as const],
      ["load-balancer" as const],
    ),
  }),
  status: fc.record({ kubeletConf: fc.boolean(), etcdData: fc.boolean(), joined: fc.boolean() }),
  record,
  held: fc.constantFrom(undefined, "restored"),
  holderReinstalled: fc.boolean(),
  etcdHost: fc.boolean(),
  endpoint: fc.constantFrom({ kind: "free" as const }, { kind: "taken" as const, by: "somebody" }),
  balancersMissing: fc.constantFrom([], ["lb0"]),
  sight: fc.constantFrom(undefined, SILENT, ALIVE, {
    ...SILENT,
    api: { kind: "foreign" as const, at: "10.20.0.9:8443", issuer: "somebody" },
  }),
  workersAtOnce: fc.constant(1),
});

test("DESIGN-5.6 every case of the table has a name of its own", () => {
  assert.equal(new Set(TURN_RULES.map((rule) => rule.case)).size, TURN_RULES.length);
});

test("DESIGN-5.6 property: whatever is known, something is decided, and an initialisation never where a cluster may live", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const decision = decideTurn(facts);
      assert.ok(decision.action === "look" || decision.reason.length > 0, decision.action);
      if (decision.action !== "init" || decision.role !== "control-plane") return;
      assert.notEqual(facts.record.init.phase, "initialised");
      assert.ok(facts.sight, "the cluster was asked first");
      assert.notEqual(facts.sight.api.kind, "foreign");
      assert.equal(facts.held, undefined);
      if (facts.record.init.phase === "initialising" && !facts.holderReinstalled) {
        assert.deepEqual(
          [facts.record.init.machine, facts.record.init.generation],
          [facts.asker.machine, facts.asker.generation],
        );
      }
    }),
    { numRuns: 3_000 },
  );
});

test("DESIGN-5.6 property: a control plane never gets the turn to join while another has it", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const decision = decideTurn(facts);
      if (decision.action !== "join" || decision.role !== "control-plane") return;
      const others = facts.record.joins.filter(
        ({ role, machine }) => role === "control-plane" && machine !== facts.asker.machine,
      );
      assert.deepEqual(others, []);
    }),
    { numRuns: 3_000 },
  );
});
