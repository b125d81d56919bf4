import assert from "node:assert/strict";
import { test } from "node:test";
import { startCore } from "../../support/appliance-core.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { aMachine, LIMITS } from "../../support/machines.ts";

const GRACE = 300_000;

async function setUp() {
  const core = await startCore({ machines: [aMachine()] });
  await core.registry.apply("kube0", { type: "installer-booted" }, "http");
  const state = () => core.registry.byName("kube0");
  /** Lets time pass in the watchdog's own steps, and lets it finish each look. */
  const pass = async (duration: number): Promise<void> => {
    for (let passed = 0; passed < duration; passed += 15_000) {
      core.clock.advance(15_000);
      await core.watchdog.look();
    }
  };
  return { ...core, state, pass };
}

test("DESIGN-3.6 silence becomes a failure with the last stage, at the deadline and not before", async () => {
  const { pass, state, registry, timeline } = await setUp();
  await registry.apply("kube0", { type: "stage-reported", stage: "partitioning" }, "installer");
  await pass(LIMITS.installTimeout - 30_000);
  assert.equal(state()?.state, "installing");
  await pass(60_000);
  assert.deepEqual(
    [state()?.state, state()?.failure?.cause, state()?.failure?.stage],
    ["failed", "silence", "partitioning"],
  );
  assert.equal((await timeline("kube0")).at(-1)?.source, "watchdog");
});

test("DESIGN-3.6 every report renews the deadline", async () => {
  const { pass, state, registry } = await setUp();
  for (const stage of ["installer-started", "partitioning", "base-system"] as const) {
    await pass(LIMITS.installTimeout - 60_000);
    await registry.apply("kube0", { type: "stage-reported", stage }, "installer");
  }
  await pass(LIMITS.installTimeout - 60_000);
  assert.equal(state()?.state, "installing");
});

test("DESIGN-8.5 a clock that is set forward by a day fails nobody, nor does one set back save anybody", async () => {
  const { pass, state, clock } = await setUp();
  await pass(30_000);
  clock.jump(86_400_000);
  await pass(60_000);
  assert.equal(state()?.state, "installing");
  clock.jump(-3 * 86_400_000);
  await pass(LIMITS.installTimeout);
  assert.equal(state()?.state, "failed");
});

test("DESIGN-3.6 after an appliance was down its machines get time to be heard", async () => {
  const overdue = aMachine({ state: "installing", generation: 1, stage: "packages", deadline: 1 });
  const { registry, watchdog, clock } = await startCore({ machines: [overdue] });
  clock.advance(GRACE - 1_000);
  await watchdog.look();
  assert.equal(registry.byName("kube0")?.state, "installing");
  clock.advance(2_000);
  await watchdog.look();
  assert.equal(registry.byName("kube0")?.state, "failed");
});

test("DESIGN-3.6 held machines and machines without a deadline are left alone", async () => {
  const held = aMachine({ state: "installing", stage: "packages", deadline: 1, held: "restored" });
  const { registry, watchdog, clock } = await startCore({ machines: [held] });
  clock.advance(GRACE + 60_000);
  await watchdog.look();
  assert.deepEqual(registry.byName("kube0"), held);
});

test("DESIGN-7 a watchdog whose store is broken tries again", async () => {
  const { pass, state, store, log } = await setUp();
  store.break();
  await pass(LIMITS.installTimeout + 15_000);
  assert.equal(state()?.state, "installing");
  assert.ok(log.lines.some(({ level, message }) => level === "error" && message.includes("silent machine")));
  store.broken = undefined;
  await pass(15_000);
  assert.equal(state()?.state, "failed");
});

test("DESIGN-4 stopping leaves no timer behind, and starting twice none too many", async () => {
  const clock = new FakeClock();
  const { watchdog, registry, events, installerLog } = await startCore({ clock });
  await watchdog.start();
  for (const service of [watchdog, registry, events, installerLog]) await service.stop();
  assert.equal(clock.waiting, 0);
});
