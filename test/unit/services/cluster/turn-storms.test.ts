/** Any order of arrivals, steps, power cuts, failures and restarts of the appliance, with the real services. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hasJoined } from "../../../../src/domain/cluster/cluster-record.ts";
import { JOIN_TURN_MS, startTurns, type TurnServices } from "../../../support/turn-services.ts";

const MACHINES = ["kube0", "kube1", "kube2", "work0", "work1"] as const;
type Name = (typeof MACHINES)[number];

type Happening =
  | { readonly kind: "script" | "kill" | "boot" | "fail"; readonly machine: Name }
  | { readonly kind: "restart" }
  | { readonly kind: "cut-off"; readonly reachable: boolean }
  | { readonly kind: "time"; readonly ms: number };

const name = fc.constantFrom(...MACHINES);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 24, arbitrary: name.map((machine) => ({ kind: "script" as const, machine })) },
  { weight: 3, arbitrary: name.map((machine) => ({ kind: "kill" as const, machine })) },
  { weight: 4, arbitrary: name.map((machine) => ({ kind: "boot" as const, machine })) },
  { weight: 1, arbitrary: name.map((machine) => ({ kind: "fail" as const, machine })) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
  { weight: 1, arbitrary: fc.boolean().map((reachable) => ({ kind: "cut-off" as const, reachable })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(2_000, 60_000, JOIN_TURN_MS + 1).map((ms) => ({ kind: "time" as const, ms })),
  },
);

interface Storm {
  readonly services: TurnServices;
  present: Awaited<ReturnType<TurnServices["build"]>>;
}

function nodeOf(machine: Name) {
  return { machine, generation: 1 };
}

/** The script of one machine does its next thing. */
async function script({ services: { rack }, present }: Storm, machine: Name): Promise<void> {
  const { on, disk, kubeadm } = rack.machine(machine);
  if (!on || disk.joined) return;
  if (!kubeadm) {
    const reply = await present.turns.ask(nodeOf(machine), rack.statusOf(machine));
    if (rack.obey(machine, reply) === "reset") {
      await present.reports.report(nodeOf(machine), { step: "reset", state: "done" });
    }
    return;
  }
  const result = rack.work(machine);
  if (result === "failed")
    await present.reports.report(nodeOf(machine), { step: "kubeadm", state: "failed" });
  if (result !== "done") return;
  const outcome = await present.reports.report(nodeOf(machine), { step: "kubeadm", state: "done" });
  if (outcome.kind === "acknowledged") disk.joined = true;
}

async function happen(storm: Storm, event: Happening): Promise<void> {
  const { rack, core } = storm.services;
  switch (event.kind) {
    case "script":
      core.clock.advance(2_000);
      return script(storm, event.machine);
    case "kill":
      rack.kill(event.machine);
      return;
    case "boot":
      rack.boot(event.machine);
      return;
    case "fail":
      if (!rack.machine(event.machine).kubeadm) return;
      rack.machine(event.machine).kubeadm = undefined;
      await storm.present.reports.report(nodeOf(event.machine), { step: "kubeadm", state: "failed" });
      return;
    case "restart":
      storm.present = await storm.services.build();
      return;
    case "cut-off":
      rack.reachable = event.reachable;
      return;
    case "time":
      core.clock.advance(event.ms);
  }
}

/** What must hold at every moment. */
function check({ services: { rack }, present }: Storm): void {
  const alive = rack.formed.filter((formed) =>
    [...rack.machines.values()].some(({ disk }) => disk.etcd === formed),
  );
  assert.ok(alive.length <= 1, `two clusters: ${alive.map(({ id }) => id).join(", ")}`);
  const joining = [...rack.machines.values()].filter(
    ({ kubeadm, member }) => kubeadm?.what === "join" && member.roles.includes("control-plane"),
  );
  const record = present.states.get("lab");
  const turns = record.joins.filter(({ role }) => role === "control-plane");
  assert.ok(turns.length <= 1, "two control planes have the turn");
  const rightful = joining.filter(({ member }) => turns.some(({ machine }) => machine === member.name));
  assert.ok(rightful.length <= 1, "two control planes join");
  assert.equal(record.frozen, undefined);
  for (const { disk, member } of rack.machines.values()) {
    const holder = { machine: member.name, generation: 1 };
    if (disk.joined) assert.ok(hasJoined(record, holder), `${member.name} believes it is in`);
  }
}

/** The storm is over: everything is on and reachable, and scripts run until nothing is left to do. */
async function settle(storm: Storm): Promise<void> {
  const { rack, core } = storm.services;
  rack.reachable = true;
  for (let round = 0; round < 120 && rack.outside.length > 0; round++) {
    for (const machine of MACHINES) {
      rack.boot(machine);
      core.clock.advance(2_000);
      await script(storm, machine);
      check(storm);
    }
    if (round % 20 === 19) core.clock.advance(JOIN_TURN_MS);
  }
}

test("DESIGN-5.6 property: whatever happens in whatever order, one cluster comes of it and every machine is in", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 60, size: "max" }), async (happenings) => {
      const services = await startTurns();
      const storm: Storm = { services, present: services };
      for (const event of happenings) {
        await happen(storm, event);
        check(storm);
      }
      await settle(storm);
      const { rack } = services;
      assert.deepEqual(rack.outside, []);
      const { init } = storm.present.states.get("lab");
      assert.ok(init.phase === "initialised");
      const alive = rack.alive();
      assert.equal(alive?.id, init.etcdClusterId);
      assert.deepEqual([...(alive?.voters ?? [])].sort(), ["kube0", "kube1", "kube2"]);
      assert.deepEqual([...(alive?.nodes.keys() ?? [])].sort(), [...MACHINES]);
      await services.core.stop();
    }),
    { numRuns: 60, seed: 20_261_121 },
  );
});
