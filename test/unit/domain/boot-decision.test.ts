import assert from "node:assert/strict";
import { test } from "node:test";
import { type AssetReadiness, type BootDecision, decideBoot } from "../../../src/domain/boot-decision.ts";
import { LOADING_STAGE } from "../../../src/domain/lifecycle-events.ts";
import { LIFECYCLE_STATES, type Machine } from "../../../src/domain/machine.ts";
import { aMachine, anInstalledMachine, LIMITS } from "../../support/machines.ts";

const READY: AssetReadiness = { kind: "ready" };

function decide(machine: Machine | undefined, assets: AssetReadiness = READY): BootDecision {
  return decideBoot({ machine, assets, limits: LIMITS });
}

const failedInstalling = aMachine({
  state: "failed",
  generation: 1,
  failure: { reason: "no disk", cause: "reported", from: "installing", at: 1 },
});

const TABLE: readonly (readonly [
  what: string,
  machine: Machine | undefined,
  kind: BootDecision["kind"],
  reason: RegExp,
])[] = [
  ["a MAC nobody registered", undefined, "unknown", /nobody registered/],
  ["discovered", aMachine({ state: "discovered" }), "inventory", /waits for approval/],
  ["registered", aMachine(), "install", /registered/],
  [
    "installing, being loaded",
    aMachine({ state: "installing", stage: LOADING_STAGE, installAttempts: 3 }),
    "install",
    /being loaded/,
  ],
  [
    "installing, attempts left",
    aMachine({ state: "installing", stage: "packages", installAttempts: 2 }),
    "install",
    /attempt 2 of 3/,
  ],
  [
    "installing, attempts used up",
    aMachine({ state: "installing", stage: "packages", installAttempts: 3 }),
    "failed",
    /3 of 3/,
  ],
  ["installing, finished", aMachine({ state: "installing", installFinished: true }), "local", /has finished/],
  ["failed while installing", failedInstalling, "failed", /no disk/],
  [
    "failed before its first boot",
    { ...failedInstalling, installFinished: true },
    "local",
    /failed after it was installed/,
  ],
  [
    "failed at work",
    anInstalledMachine({
      state: "failed",
      failure: { reason: "kubelet", cause: "reported", from: "ready", at: 1 },
    }),
    "local",
    /kubelet/,
  ],
  ["retired", anInstalledMachine({ state: "retired" }), "local", /retired/],
];

for (const [what, machine, kind, reason] of TABLE) {
  test(`DESIGN-3.6 network boot of a machine that is ${what}: ${kind}`, () => {
    const decision = decide(machine);
    assert.equal(decision.kind, kind);
    assert.match(decision.reason, reason);
  });
}

for (const state of [
  "installed",
  "preparing",
  "waiting",
  "joining",
  "ready",
  "draining",
  "removing",
] as const) {
  test(`DESIGN-3.6 network boot of a machine that is ${state}: its own disk`, () => {
    assert.equal(decide(anInstalledMachine({ state })).kind, "local");
  });
}

test("DESIGN-3.6 a held machine boots its own disk, whatever its state", () => {
  for (const state of LIFECYCLE_STATES) {
    const decision = decide(aMachine({ state, held: "restored", bootOverride: "rescue" }));
    assert.deepEqual([decision.kind, decision.event], ["local", undefined]);
    assert.match(decision.reason, /held \(restored\)/);
  }
});

test("DESIGN-7 without its installer's files a machine waits and is told for what", () => {
  const pulling = decide(aMachine(), {
    kind: "pulling",
    progress: 0.426,
    what: "the installer of debian-13",
  });
  assert.deepEqual(pulling, { kind: "wait", reason: "waiting for the installer of debian-13 (42 %)" });
  const missing = decide(aMachine(), { kind: "missing", reason: "no mirror is configured" });
  assert.deepEqual(missing, { kind: "wait", reason: "no mirror is configured" });
});

test("DESIGN-3.6 a machine that installs nothing needs no files", () => {
  assert.equal(decide(anInstalledMachine(), { kind: "missing", reason: "r" }).kind, "local");
});

test("DESIGN-3.1 an override wins once: handing it out uses it up", () => {
  for (const override of ["local", "rescue"] as const) {
    for (const machine of [
      aMachine({ bootOverride: override }),
      anInstalledMachine({ bootOverride: override }),
    ]) {
      const decision = decide(machine);
      assert.deepEqual([decision.kind, decision.event], [override, { type: "boot-override-used" }]);
    }
  }
  assert.equal(decide(aMachine({ bootOverride: "install" })).kind, "install");
  assert.equal(
    decide(anInstalledMachine({ bootOverride: "install" })).kind,
    "local",
    "never past the reimage",
  );
});

test("DESIGN-3.6 what handing out an installer means is said with it", () => {
  assert.deepEqual(decide(aMachine()).event, { type: "installer-booted" });
  assert.equal(decide(anInstalledMachine()).event, undefined);
  const usedUp = decide(aMachine({ state: "installing", stage: "packages", installAttempts: 3 }));
  assert.deepEqual(usedUp.event, { type: "installer-booted" }, "the event that gives up");
});
