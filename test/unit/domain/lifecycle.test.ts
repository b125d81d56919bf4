import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decideBoot } from "../../../src/domain/boot-decision.ts";
import { transition } from "../../../src/domain/lifecycle.ts";
import {
  FIRST_BOOT_STAGE,
  type LifecycleEvent,
  LOADING_STAGE,
} from "../../../src/domain/lifecycle-events.ts";
import { LIFECYCLE_STATES, type LifecycleState, type Machine } from "../../../src/domain/machine.ts";
import { aMachine, anInstalledMachine, LIMITS, START } from "../../support/machines.ts";

const NOW = START + 60_000;
const DISK = { path: "/dev/vda", serial: "D1", sizeBytes: 8_000_000_000 };
const FINISHED: LifecycleEvent = { type: "install-finished", disks: [DISK], marker: "m".repeat(32) };

function apply(machine: Machine, ...events: readonly LifecycleEvent[]): Machine {
  let current = machine;
  for (const event of events) {
    const outcome = transition(current, event, { now: NOW, limits: LIMITS });
    assert.ok(outcome.ok, `${event.type} in ${current.state}: ${outcome.ok ? "" : outcome.reason}`);
    current = outcome.machine;
  }
  return current;
}

function refusal(machine: Machine, event: LifecycleEvent): string {
  const outcome = transition(machine, event, { now: NOW, limits: LIMITS });
  assert.ok(!outcome.ok, `${event.type} in ${machine.state} was accepted`);
  assert.equal(outcome.machine, machine);
  return outcome.reason;
}

function silence(machine: Machine): LifecycleEvent {
  return { type: "silence", deadline: machine.deadline ?? Number.NaN };
}

const INSTALLING = apply(aMachine(), { type: "installer-booted" });
const STARTED = apply(INSTALLING, { type: "stage-reported", stage: "installer-started" });
const FINISHING = apply(STARTED, FINISHED);
const INSTALLED = apply(FINISHING, { type: "node-reported", generation: 1 });

test("DESIGN-3.6 a machine goes from registered over its stages to installed", () => {
  assert.deepEqual(
    [
      INSTALLING.state,
      INSTALLING.generation,
      INSTALLING.stage,
      INSTALLING.installAttempts,
      INSTALLING.deadline,
    ],
    ["installing", 1, LOADING_STAGE, 1, NOW + LIMITS.installTimeout],
  );
  assert.deepEqual([STARTED.state, STARTED.stage], ["installing", "installer-started"]);
  assert.deepEqual(
    [
      FINISHING.state,
      FINISHING.stage,
      FINISHING.installFinished,
      FINISHING.everInstalled,
      FINISHING.deadline,
    ],
    ["installing", FIRST_BOOT_STAGE, true, true, NOW + LIMITS.firstBootTimeout],
  );
  assert.deepEqual([FINISHING.systemDisks, FINISHING.diskMarker], [[DISK], "m".repeat(32)]);
  assert.deepEqual(
    [INSTALLED.state, INSTALLED.stage, INSTALLED.deadline],
    ["installed", undefined, undefined],
  );
  assert.equal("deadline" in INSTALLED, false, "a removed field is gone, not undefined");
  assert.equal(INSTALLED.revision, 5);
});

test("DESIGN-3.6 every move of the lifecycle's drawing is possible, no other from a fresh machine of that state", () => {
  const event = (machine: Machine): readonly LifecycleEvent[] => [
    { type: "approved" },
    { type: "installer-booted" },
    { type: "stage-reported", stage: "partitioning" },
    FINISHED,
    { type: "install-failed", reason: "r" },
    { type: "node-reported", generation: machine.generation },
    { type: "node-failed", generation: machine.generation, reason: "r" },
    silence({ ...machine, deadline: machine.deadline ?? 1 }),
    { type: "retry-requested" },
    { type: "reimage-requested" },
    { type: "retired" },
    { type: "registered-again" },
  ];
  const of = (state: LifecycleState): Machine => {
    if (state === "discovered" || state === "registered") return aMachine({ state });
    if (state === "installing") return STARTED;
    if (state === "failed") return apply(STARTED, { type: "install-failed", reason: "r" });
    return anInstalledMachine({ state, deadline: NOW + 1 });
  };
  const moves = Object.fromEntries(
    LIFECYCLE_STATES.map((state) => {
      const machine = of(state);
      const accepted = event(machine).flatMap((each) => {
        const outcome = transition(machine, each.type === "silence" ? silence(machine) : each, {
          now: NOW,
          limits: LIMITS,
        });
        return outcome.ok && outcome.changed ? [`${each.type} ${outcome.machine.state}`] : [];
      });
      return [state, accepted];
    }),
  );
  const running = ["node-failed failed", "reimage-requested registered", "retired retired"];
  const watched = ["node-failed failed", "silence failed", "reimage-requested registered", "retired retired"];
  assert.deepEqual(moves, {
    discovered: ["approved registered", "retired retired"],
    registered: ["installer-booted installing", "node-reported installed", "retired retired"],
    installing: [
      "installer-booted installing",
      "stage-reported installing",
      "install-finished installing",
      "install-failed failed",
      "node-reported installed",
      "node-failed failed",
      "silence failed",
      "retired retired",
    ],
    installed: running,
    preparing: watched,
    waiting: watched,
    joining: watched,
    ready: running,
    draining: ["reimage-requested registered", "retired retired"],
    removing: ["reimage-requested registered", "retired retired"],
    failed: ["node-reported installed", "retry-requested registered", "retired retired"],
    retired: ["registered-again registered"],
  });
});

test("DESIGN-3.6 a repeated script fetch is the same attempt; attempts are bounded", () => {
  assert.deepEqual(apply(INSTALLING, { type: "installer-booted" }), INSTALLING);
  let machine = STARTED;
  for (const attempt of [2, 3]) {
    machine = apply(machine, { type: "installer-booted" });
    assert.deepEqual([machine.installAttempts, machine.stage], [attempt, LOADING_STAGE]);
    machine = apply(machine, { type: "stage-reported", stage: "partitioning" });
  }
  machine = apply(machine, { type: "installer-booted" });
  assert.equal(machine.state, "failed");
  assert.deepEqual(machine.failure, {
    cause: "attempts",
    reason: "gave up after 3 installer boots, none of which reported its end",
    from: "installing",
    stage: "partitioning",
    at: NOW,
  });
  const again = apply(machine, { type: "retry-requested" });
  assert.deepEqual(
    [again.state, again.installAttempts, again.generation, again.failure],
    ["registered", 0, 1, undefined],
  );
});

test("DESIGN-7 stages never go back inside one attempt, and none comes after the end", () => {
  const partitioned = apply(STARTED, { type: "stage-reported", stage: "base-system" });
  assert.match(
    refusal(partitioned, { type: "stage-reported", stage: "partitioning" }),
    /comes before stage base-system/,
  );
  assert.match(
    refusal(FINISHING, { type: "stage-reported", stage: "bootloader" }),
    /already reported its end/,
  );
  assert.match(refusal(FINISHING, { type: "install-failed", reason: "late" }), /already reported its end/);
  assert.match(refusal(FINISHING, { type: "installer-booted" }), /already reported its end/);
  assert.equal(apply(partitioned, { type: "stage-reported", stage: "base-system" }).stage, "base-system");
});

test("DESIGN-3.6 the last report may be repeated while its acknowledgement is lost", () => {
  const outcome = transition(FINISHING, FINISHED, { now: NOW + 5, limits: LIMITS });
  assert.deepEqual(outcome, { ok: true, changed: false, machine: FINISHING });
});

test("DESIGN-3.6 a silent installation fails with its last stage and goes on when it is heard again", () => {
  const silent = apply(STARTED, silence(STARTED));
  assert.deepEqual(silent.failure, {
    cause: "silence",
    reason: "nothing was heard since installer-started",
    from: "installing",
    stage: "installer-started",
    at: NOW,
  });
  const heard = apply(silent, { type: "stage-reported", stage: "packages" });
  assert.deepEqual([heard.state, heard.stage, heard.failure], ["installing", "packages", undefined]);
  assert.equal(apply(silent, FINISHED).installFinished, true);
  assert.equal(apply(silent, { type: "install-failed", reason: "no disk" }).failure?.reason, "no disk");
});

test("DESIGN-7 after the machine itself reported a failure only a retry goes on", () => {
  const failed = apply(STARTED, { type: "install-failed", reason: "no disk", stage: "partitioning" });
  assert.deepEqual(failed.failure, {
    cause: "reported",
    reason: "no disk",
    from: "installing",
    stage: "partitioning",
    at: NOW,
  });
  refusal(failed, { type: "stage-reported", stage: "packages" });
  refusal(failed, FINISHED);
  refusal(failed, { type: "installer-booted" });
  assert.equal(apply(failed, { type: "install-failed", reason: "no disk" }), failed);
});

test("DESIGN-3.6 a deadline that was renewed meanwhile fails nobody", () => {
  const later = apply(STARTED, { type: "stage-reported", stage: "partitioning" });
  const old = { ...STARTED, deadline: 1 };
  assert.match(refusal({ ...later, deadline: 2 }, silence(old)), /heard meanwhile/);
  assert.match(refusal({ ...STARTED, held: "restored" }, silence(STARTED)), /held/);
});

test("DESIGN-3.6 a first boot that never comes fails, boots its disk, and needs a reimage, not a retry", () => {
  const silent = apply(FINISHING, silence(FINISHING));
  assert.equal(silent.failure?.stage, FIRST_BOOT_STAGE);
  assert.match(refusal(silent, { type: "retry-requested" }), /reimage it instead/);
  assert.equal(decideBoot({ machine: silent, assets: { kind: "ready" }, limits: LIMITS }).kind, "local");
  assert.equal(apply(silent, { type: "node-reported", generation: 1 }).state, "installed");
  assert.equal(apply(silent, { type: "reimage-requested" }).generation, 2);
});

test("DESIGN-3.6 a report of the running system makes the machine installed, even when the installer's last report was lost", () => {
  for (const machine of [
    INSTALLING,
    STARTED,
    apply(STARTED, silence(STARTED)),
    apply(STARTED, { type: "install-failed", reason: "r" }),
  ]) {
    const installed = apply(machine, { type: "node-reported", generation: 1 });
    assert.deepEqual(
      [installed.state, installed.installFinished, installed.everInstalled],
      ["installed", true, true],
    );
  }
});

test("DESIGN-3.6 a machine that failed at work goes back to where it was when it reports", () => {
  for (const state of ["preparing", "waiting", "joining", "ready"] as const) {
    const failed = apply(anInstalledMachine({ state }), {
      type: "node-failed",
      generation: 1,
      reason: "kubelet",
    });
    assert.deepEqual([failed.state, failed.failure?.from], ["failed", state]);
    assert.equal(apply(failed, { type: "node-reported", generation: 1 }).state, state);
  }
});

test("DESIGN-3.7 reports of another generation are refused", () => {
  for (const generation of [0, 2]) {
    assert.match(refusal(INSTALLED, { type: "node-reported", generation }), /the machine is in generation 1/);
    assert.match(
      refusal(INSTALLED, { type: "node-failed", generation, reason: "r" }),
      /the machine is in generation 1/,
    );
  }
});

test("DESIGN-3.6 a reimage begins the next generation and keeps what identifies the disks", () => {
  const again = apply(INSTALLED, { type: "reimage-requested" });
  assert.deepEqual(
    [again.state, again.generation, again.installAttempts, again.installFinished, again.everInstalled],
    ["registered", 2, 0, false, true],
  );
  assert.deepEqual([again.systemDisks, again.diskMarker], [[DISK], "m".repeat(32)]);
  assert.equal(apply(again, { type: "installer-booted" }).generation, 2);
});

test("DESIGN-3.6 a reimage is refused with advice while there is nothing to reimage", () => {
  refusal(aMachine(), { type: "reimage-requested" });
  refusal(aMachine({ state: "discovered" }), { type: "reimage-requested" });
  refusal(STARTED, { type: "reimage-requested" });
  assert.match(
    refusal(apply(STARTED, { type: "install-failed", reason: "r" }), { type: "reimage-requested" }),
    /retry it instead/,
  );
  assert.match(
    refusal({ ...INSTALLED, held: "restored" }, { type: "reimage-requested" }),
    /confirm it first/,
  );
  assert.match(refusal(FINISHING, { type: "reimage-requested" }), /first boot is awaited/);
  assert.equal(apply(FINISHING, { type: "reimage-requested", confirmed: true }).generation, 2);
});

test("DESIGN-3.6 a hold stops installers, survives reports, and is ended by a person", () => {
  const held = apply(aMachine(), { type: "held", reason: "restored from a backup" });
  assert.match(refusal(held, { type: "installer-booted" }), /held: restored from a backup; confirm it first/);
  const free = apply(held, { type: "confirmed" });
  assert.equal("held" in free, false);
  assert.equal(apply(free, { type: "installer-booted" }).state, "installing");
  assert.equal(apply(free, { type: "confirmed" }), free);
  const installing = apply(
    { ...STARTED, deadline: 5 },
    { type: "held", reason: "restored" },
    { type: "confirmed" },
  );
  assert.equal(installing.deadline, NOW + LIMITS.installTimeout, "the wait starts anew");
});

test("DESIGN-3.6 after a restore a certificate of a later generation proves that the machine runs it", () => {
  const restored = apply(aMachine(), { type: "held", reason: "restored" });
  const known = apply(restored, { type: "node-reported", generation: 3 });
  assert.deepEqual([known.state, known.generation, known.held], ["installed", 3, "restored"]);
});

test("DESIGN-3.1 a boot override is for one boot and never reinstalls an installed machine", () => {
  const rescue = apply(INSTALLED, { type: "boot-override-set", override: "rescue" });
  assert.equal(rescue.bootOverride, "rescue");
  assert.equal("bootOverride" in apply(rescue, { type: "boot-override-used" }), false);
  assert.match(refusal(INSTALLED, { type: "boot-override-set", override: "install" }), /reimage it instead/);
  assert.match(refusal(FINISHING, { type: "boot-override-set", override: "install" }), /reimage it instead/);
  assert.equal(apply(aMachine(), { type: "boot-override-set", override: "install" }).bootOverride, "install");
  refusal(anInstalledMachine({ state: "retired" }), { type: "boot-override-set", override: "local" });
});

const anyEvent: fc.Arbitrary<LifecycleEvent> = fc.oneof(
  ...(
    [
      "approved",
      "installer-booted",
      "retry-requested",
      "reimage-requested",
      "registered-again",
      "confirmed",
      "boot-override-used",
    ] as const
  ).map((type) => fc.constant({ type })),
  fc
    .constantFrom(
      "installer-started" as const,
      "partitioning" as const,
      "packages" as const,
      "bootloader" as const,
    )
    .map((stage) => ({ type: "stage-reported" as const, stage })),
  fc.constant(FINISHED),
  fc.constant({ type: "install-failed" as const, reason: "r" }),
  fc.integer({ min: 0, max: 3 }).map((generation) => ({ type: "node-reported" as const, generation })),
  fc
    .integer({ min: 0, max: 3 })
    .map((generation) => ({ type: "node-failed" as const, generation, reason: "r" })),
  fc.constant({ type: "silence" as const, deadline: Number.NaN }),
  fc.constant({ type: "held" as const, reason: "h" }),
  fc
    .constantFrom("local" as const, "rescue" as const, "install" as const)
    .map((override) => ({ type: "boot-override-set" as const, override })),
);
// Rare, so that most histories are long.
const anyHistory = fc.array(
  fc.oneof(
    { weight: 30, arbitrary: anyEvent },
    { weight: 1, arbitrary: fc.constant({ type: "retired" as const }) },
  ),
  { maxLength: 60 },
);

/** Walks a history and hands every accepted step to `check`. */
function walk(
  history: readonly LifecycleEvent[],
  check: (step: {
    before: Machine;
    after: Machine;
    event: LifecycleEvent;
    now: number;
    changed: boolean;
  }) => void,
): void {
  let machine = aMachine({ state: "discovered" });
  let now = START;
  for (const each of history) {
    now += 1_000;
    const event = each.type === "silence" ? silence(machine) : each;
    const outcome = transition(machine, event, { now, limits: LIMITS });
    if (!outcome.ok) {
      assert.equal(outcome.machine, machine);
      assert.ok(outcome.reason.length > 0);
      continue;
    }
    check({ before: machine, after: outcome.machine, event, now, changed: outcome.changed });
    machine = outcome.machine;
  }
}

/** A machine that reports as generation 0, retires and is registered once more. */
const NEVER_INSTALLED_BY_US: LifecycleEvent[] = [
  { type: "approved" },
  { type: "node-reported", generation: 0 },
  { type: "retired" },
  { type: "registered-again" },
];

test("DESIGN-3.6 property: only a reimage re-registers a machine whose installation ever finished", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      walk(history, ({ before, after, event }) => {
        if (!before.installFinished || after.state !== "registered" || before.state === "registered") return;
        assert.ok(event.type === "reimage-requested" || event.type === "registered-again", event.type);
        assert.equal(after.generation, before.generation + 1);
      });
    }),
    { numRuns: 2_000, examples: [[NEVER_INSTALLED_BY_US]] },
  );
});

test("DESIGN-3.6 property: an installer is handed out only before the end of an installation, and never to a held machine", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      walk(history, ({ after }) => {
        const decision = decideBoot({ machine: after, assets: { kind: "ready" }, limits: LIMITS });
        if (decision.kind !== "install") return;
        assert.ok(after.state === "registered" || after.state === "installing");
        assert.deepEqual([after.installFinished, after.held], [false, undefined]);
        const booted = transition(after, { type: "installer-booted" }, { now: START, limits: LIMITS });
        assert.ok(booted.ok && booted.machine.state === "installing", "what is handed out is accepted");
      });
    }),
    { numRuns: 2_000 },
  );
});

test("DESIGN-3.6 property: attempts are bounded, generations never fall, retired is final, failures and deadlines fit the state", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      walk(history, ({ before, after, event, now, changed }) => {
        assert.ok(after.installAttempts <= LIMITS.installAttempts);
        assert.ok(after.generation >= before.generation);
        if (before.state === "retired" && after.state !== "retired")
          assert.equal(event.type, "registered-again");
        assert.equal(after.failure !== undefined, after.state === "failed");
        if (after.deadline !== undefined) assert.equal(after.state, "installing");
        if (before.everInstalled) assert.ok(after.everInstalled);
        assert.equal(after.revision, before.revision + (changed ? 1 : 0));
        if (changed) assert.equal(after.updatedAt, now);
        else assert.equal(after, before);
      });
    }),
    { numRuns: 2_000 },
  );
});

test("DESIGN-3.6 property: every machine that network-boots again and again comes to rest", () => {
  fc.assert(
    fc.property(anyHistory, fc.boolean(), (history, reports) => {
      let machine = aMachine();
      walk(history, ({ after }) => (machine = after));
      let installs = 0;
      for (let boot = 0; boot < 20; boot++) {
        const decision = decideBoot({ machine, assets: { kind: "ready" }, limits: LIMITS });
        if (decision.kind === "install") installs++;
        if (decision.event) machine = apply(machine, decision.event);
        if (reports && decision.kind === "install" && machine.stage === LOADING_STAGE) {
          machine = apply(machine, { type: "stage-reported", stage: "installer-started" });
        }
      }
      // Installers that never report are bounded by the watchdog instead.
      if (reports) assert.ok(installs <= LIMITS.installAttempts, `${installs} installers`);
    }),
  );
});
