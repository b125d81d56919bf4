/** Any order of arrivals, steps, power cuts, failures, reimages and restarts of the appliance, with the real services. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { JOIN_TURN_MS } from "../../../support/turn-services.ts";
import { type Happening, MACHINES, Storm } from "../../../support/turn-storm.ts";

const name = fc.constantFrom(...MACHINES);
const controlPlane = fc.constantFrom("kube0" as const, "kube1" as const, "kube2" as const);

const MACHINE_TROUBLE: readonly fc.WeightedArbitrary<Happening>[] = [
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
];

const PEOPLE: readonly fc.WeightedArbitrary<Happening>[] = [
  {
    weight: 3,
    arbitrary: fc
      .record({ machine: name, force: fc.boolean() })
      .map((fields) => ({ kind: "reimage" as const, ...fields })),
  },
  { weight: 3, arbitrary: name.map((machine) => ({ kind: "reinstall" as const, machine })) },
  { weight: 2, arbitrary: controlPlane.map((to) => ({ kind: "give-init" as const, to })) },
];

/** Lets it happen, checking at every moment, and then waits for the one cluster that must come of it. */
async function weather(happenings: readonly Happening[]): Promise<ReadonlyMap<string, number>> {
  const storm = await Storm.begin();
  const { rack, core } = storm.services;
  for (const event of happenings) {
    await storm.happen(event);
    storm.check();
  }
  await storm.settle();
  assert.deepEqual(storm.outside, []);
  const { init } = storm.record;
  assert.ok(init.phase === "initialised");
  const alive = rack.alive();
  assert.equal(alive?.id, init.etcdClusterId);
  assert.deepEqual([...(alive?.voters ?? [])].sort(), ["kube0", "kube1", "kube2"]);
  assert.deepEqual([...(alive?.nodes.keys() ?? [])].sort(), [...MACHINES]);
  await core.stop();
  return storm.done;
}

test("DESIGN-5.6 property: whatever happens in whatever order, one cluster comes of it and every machine is in", async () => {
  const happenings = fc.array(fc.oneof(...MACHINE_TROUBLE), { maxLength: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(happenings, async (each) => {
      await weather(each);
    }),
    { numRuns: 60, seed: 20_261_121 },
  );
});

test("DESIGN-5.6 property: machines installed anew and turns given away do not change that", async (t) => {
  const happenings = fc.array(fc.oneof(...MACHINE_TROUBLE, ...PEOPLE), { maxLength: 90, size: "max" });
  const done = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(happenings, async (each) => {
      for (const [what, times] of await weather(each)) done.set(what, (done.get(what) ?? 0) + times);
    }),
    { numRuns: 60, seed: 20_261_121 },
  );
  t.diagnostic([...done].map(([what, times]) => `${what} ${times}`).join(", "));
  for (const what of ["reimage", "reinstall", "give-init"]) assert.ok((done.get(what) ?? 0) > 0, what);
});
